/** Reads the `fog` part of the configuration: commands and agent types by name, which nodes may join and how far they are believed. */
import path from 'node:path';
import type { z } from 'zod';
import { came } from '../../shared/expecting.ts';
import {
  DEFAULT_COMMANDS,
  DEFAULT_TRUST,
  type FogRules,
  type FogTrust,
  NO_FOG_RULES,
  PROGRAM_NAME,
  type Program,
} from '../../shared/fog-rules.ts';
import { isObject, type Report, readPart } from './read-part.ts';
import { fogAgentProgram, fogPart, fogProgram, fogTrust } from './schema.ts';

const MAX_PROGRAMS = 1_000;

/**
 * @param folder of the file: what relative paths are relative to
 * @param resident what an agent type runs that names no command
 */
export function readFog(section: unknown, folder: string, resident: Program, report: Report): FogRules {
  const residentOf = (name: string): Program => ({ ...resident, args: [...resident.args, name] });
  if (section === undefined) return { ...NO_FOG_RULES, agents: new Map([['magi', residentOf('magi')]]) };
  const part = readPart(fogPart, section, ['fog'], report);
  if (part === undefined) return NO_FOG_RULES;
  const resolve = (text: string): string => (/^\.\.?\//.test(text) ? path.resolve(folder, text) : text);

  const programs = (
    key: 'commands' | 'agents',
    read: (entry: unknown, name: string) => Program | undefined,
  ): Map<string, Program> => {
    const found = new Map<string, Program>();
    const entries = part[key];
    if (entries === undefined) return found;
    if (!isObject(entries) || Object.keys(entries).length > MAX_PROGRAMS) {
      const text = `expected an object of at most ${MAX_PROGRAMS} programs by their names, got ${came(entries)}.`;
      report({ path: ['fog', key], text, remedy: undefined, isKey: false });
      return found;
    }
    for (const [name, entry] of Object.entries(entries)) {
      if (!PROGRAM_NAME.test(name)) {
        const text = 'expected a name of at most 48 small letters, digits, _ or -, beginning with a letter.';
        report({ path: ['fog', key, name], text, remedy: undefined, isKey: true });
        continue;
      }
      const program = read(entry, name);
      if (program === undefined) continue;
      found.set(name, {
        ...program,
        command: resolve(program.command),
        args: program.args.map(resolve),
        readable: program.readable.map((item) => path.resolve(folder, item)),
      });
    }
    return found;
  };

  const commands = programs('commands', (entry, name) =>
    readPart(fogProgram, entry, ['fog', 'commands', name], report),
  );
  const agents = programs('agents', (entry, name) => {
    const given = readPart(fogAgentProgram, entry, ['fog', 'agents', name], report);
    return given && (given.command === undefined ? residentOf(name) : { ...given, command: given.command });
  });
  const nodes = part.nodes === undefined || part.nodes === 'any' ? undefined : new Set(part.nodes);
  return {
    commands: part.commands === undefined ? DEFAULT_COMMANDS : commands,
    agents: part.agents === undefined ? new Map([['magi', residentOf('magi')]]) : agents,
    nodes,
    trust: trustOf(readPart(fogTrust, part.trust ?? {}, ['fog', 'trust'], report) ?? {}, nodes),
  };
}

/** Who lists its nodes vouches for them. */
function trustOf(given: z.output<typeof fogTrust>, nodes: ReadonlySet<string> | undefined): FogTrust {
  return {
    mostCores: given.most_cores ?? DEFAULT_TRUST.mostCores,
    mostMemoryGb: given.most_memory_gb ?? DEFAULT_TRUST.mostMemoryGb,
    newNodeCores: given.new_node_cores ?? DEFAULT_TRUST.newNodeCores,
    newNodeMemoryGb: given.new_node_memory_gb ?? DEFAULT_TRUST.newNodeMemoryGb,
    resultsToDouble: given.results_to_double ?? DEFAULT_TRUST.resultsToDouble,
    vouchedFor: new Set([...(nodes ?? []), ...(given.vouched_for ?? [])]),
  };
}
