import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadVillage } from '../../../../router/config/load.ts';
import { DEFAULT_TRUST } from '../../../../shared/fog-rules.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-config-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function read(fog: unknown) {
  const file = path.join(folder, 'mcp-servers.json');
  fs.writeFileSync(file, JSON.stringify({ mcpServers: {}, ...(fog !== undefined && { fog }) }));
  return loadVillage(file).fog;
}

describe('the fog part', () => {
  it('[F3] allows a few harmless commands and the resident agent when it is left out, each in a sandbox', () => {
    const { commands, agents, nodes } = read(undefined);
    expect([...commands.keys()]).toEqual(['echo', 'sleep', 'sha256sum']);
    expect([...agents.keys()]).toEqual(['magi']);
    expect([...commands.values(), ...agents.values()].every(({ sandbox, network }) => sandbox && !network)).toBe(true);
    expect(nodes).toBeUndefined();
  });

  it('[F2] takes paths by the folder of the file, and gives an agent type without a command the resident one', () => {
    const { agents, commands, nodes } = read({
      commands: { report: { command: './tools/report', args: ['./in', 'plain'], readable: ['data'] } },
      agents: { scout: {}, own: { command: 'node', args: ['x'], health: 'ping', sandbox: false } },
      nodes: ['12D3KooWA'],
    });
    expect(commands.get('report')).toMatchObject({
      command: path.join(folder, 'tools/report'),
      args: [path.join(folder, 'in'), 'plain'],
      readable: [path.join(folder, 'data')],
      sandbox: true,
    });
    expect(agents.get('scout')).toMatchObject({ command: 'node', health: 'ping', sandbox: true });
    expect(agents.get('scout')?.args.at(-1)).toBe('scout');
    expect(agents.get('own')).toMatchObject({ command: 'node', args: ['x'], sandbox: false });
    expect([...nodes!]).toEqual(['12D3KooWA']);
  });

  it('[F2] believes new nodes a little when it says nothing, and those that it lists', () => {
    expect(read(undefined).trust).toEqual(DEFAULT_TRUST);
    const { trust } = read({ nodes: ['A'], trust: { new_node_cores: 2, vouched_for: ['B'] } });
    expect(trust).toEqual({ ...DEFAULT_TRUST, newNodeCores: 2, vouchedFor: new Set(['A', 'B']) });
  });

  it.each<[unknown, string]>([
    [{ trust: { most_cores: 0 } }, 'fog.trust.most_cores: expected a whole number of cores from 1 to 4096'],
    [{ trust: { cores: 1 } }, 'fog.trust.cores: expected a known key'],
    [{ comands: {} }, 'fog.comands: expected a known key'],
    [{ commands: [] }, 'fog.commands: expected an object'],
    [{ commands: { 'rm -rf': { command: 'rm' } } }, 'expected a name of at most 48 small letters'],
    [{ commands: { rm: {} } }, 'fog.commands.rm.command: expected a text'],
    [{ commands: { rm: { command: 'rm', sandbox: 'no' } } }, 'fog.commands.rm.sandbox: expected true or false'],
    [{ agents: { magi: { shell: true } } }, 'fog.agents.magi.shell: expected a known key'],
    [{ nodes: 'all' }, 'fog.nodes: expected "any" or a list'],
  ])('[X1] says where %j is wrong', (fog, text) => {
    expect(() => read(fog)).toThrow(text);
  });
});
