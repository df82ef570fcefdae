/** Holds the matrix to a slow, obvious model over random rows, callers and targets (SECURITY: the whole matrix, C02). */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEVEL_NAMES, LEVELS, type Level } from '../../../../shared/identity/levels.ts';
import type { CallFacts, Rights } from '../../../../shared/matrix/decide.ts';
import type { Target } from '../../../../shared/matrix/match.ts';
import { createMatrix } from '../../../../shared/matrix/matrix.ts';
import type { PermissionRow } from '../../../../shared/matrix/rows.ts';

const permits = (granted: readonly string[], needed: string) => granted.includes(needed);

const servers = ['a', 'b', '__proto__'];
const names = ['x', 'xy', 'y', 'constructor', 'hasOwnProperty'];
const targets: Target[] = servers.flatMap((serverId) => [
  ...names.flatMap((ownName): Target[] => [
    { kind: 'tool', listedName: `${serverId}__${ownName}`, serverId, ownName },
    { kind: 'prompt', listedName: `${serverId}__${ownName}`, serverId, ownName },
  ]),
  { kind: 'resource', uri: `${serverId}://x/y`, serverId },
]);

const word = fc.constantFrom(...names, ...servers, '*', 'x*', '*y', '*_*');
const match = fc.oneof(
  word,
  fc.tuple(fc.constantFrom(...servers), fc.constantFrom(...names)).map(([id, name]) => `${id}__${name}`),
  fc.tuple(word, word).map((pair) => pair.join('__')),
  fc.tuple(word, word).map((pair) => pair.join('/')),
  fc.tuple(word, word).map((pair) => `prompt:${pair.join('/')}`),
  word.map((name) => `prompt:${name}`),
  word.map((name) => `resource:${name}`),
  fc.constantFrom('resource:a://x/y', 'resource:a://*', 'resource:b://x/*', 'resource:*//x*'),
);
const row = fc.record<PermissionRow, 'match' | 'level'>(
  {
    match,
    level: fc.constantFrom(...LEVEL_NAMES),
    permission: fc.constantFrom('p', 'q', 'constructor'),
    justification: fc.boolean(),
    approval: fc.constantFrom('minor_change', 'major_change'),
    arguments: fc.constantFrom({ required: ['x'] }, { properties: { x: { const: 1 } } }),
  },
  { requiredKeys: ['match', 'level'] },
);
const caller = fc.record<Rights>({
  agentId: fc.constantFrom('sage', '__proto__', 'constructor'),
  level: fc.constantFrom<Level>(1, 2, 3, 4, 5),
  permissions: fc.subarray(['p', 'q', 'constructor']),
});
const call = fc.record({
  justification: fc.constantFrom(undefined, '', 'because'),
  args: fc.constantFrom<unknown>(undefined, {}, { x: 1 }, { x: 2 }),
});

/** Every way to split the text among the stars. */
function like(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return like(pattern.slice(1), text) || (text !== '' && like(pattern, text.slice(1)));
  return text !== '' && pattern[0] === text[0] && like(pattern.slice(1), text.slice(1));
}

function textsOf(target: Target): string[] {
  if (target.kind === 'resource') return [`resource:${target.uri}`];
  const prefix = target.kind === 'prompt' ? 'prompt:' : '';
  return [`${prefix}${target.listedName}`, `${prefix}${target.serverId}/${target.ownName}`];
}

function matches(pattern: string, target: Target): boolean {
  const scheme = (text: string) => /^(?:resource|prompt):/.exec(text)?.[0] ?? '';
  return textsOf(target).some(
    (name) =>
      scheme(pattern) === scheme(name) &&
      (target.kind === 'resource' || pattern.includes('/') === name.includes('/')) &&
      like(pattern, name),
  );
}

function specificity(pattern: string): number {
  return pattern.includes('*') ? pattern.replaceAll('*', '').length : 1_000;
}

function model(
  rows: readonly PermissionRow[],
  who: Rights,
  target: Target,
  justification: string | undefined,
  args: unknown,
) {
  const matching = rows.filter((candidate) => matches(candidate.match, target));
  const best = Math.max(...matching.map((candidate) => specificity(candidate.match)));
  const winners = matching.filter((candidate) => specificity(candidate.match) === best);
  const [winner] = winners;
  if (winner === undefined || winners.length > 1) return { allowed: false, visible: false };
  const held = who.level >= LEVELS[winner.level] && (!winner.permission || who.permissions.includes(winner.permission));
  if (!held) return { allowed: false, visible: false };
  const x = (args as { x?: number } | undefined)?.x;
  const ruled =
    winner.arguments === undefined || ('required' in winner.arguments ? x !== undefined : x === undefined || x === 1);
  return { allowed: (!winner.justification || justification === 'because') && ruled, visible: true };
}

it('[M1] [M2] decides as the model does for every target, and lists what may be called and nothing else', () => {
  let cells = 0;
  let allowed = 0;
  let refused = 0;
  const rows = fc.uniqueArray(row, { maxLength: 14, selector: ({ match }) => match.replace(/\*+/g, '*') });
  fc.assert(
    fc.property(
      rows,
      fc.nat(14),
      fc.array(caller, { minLength: 1, maxLength: 3 }),
      call,
      (all, cut, callers, facts) => {
        // Some rows are built in, and configured rows may stand for them.
        const builtIn = all.slice(0, cut);
        const configured = all.slice(Math.floor(cut / 2));
        const holds = [...configured, ...builtIn.filter((ours) => !configured.includes(ours))];
        const matrix = createMatrix({ builtIn, configured, permits });
        const asked: CallFacts = { justification: facts.justification, arguments: () => facts.args };
        for (const who of callers) {
          for (const target of targets) {
            const expected = model(holds, who, target, facts.justification, facts.args);
            const decision = matrix.decide(who, target, asked);
            expect(decision.allowed, JSON.stringify({ who, target, facts })).toBe(expected.allowed);
            expect(matrix.visible(who, target)).toBe(expected.visible);
            if (decision.allowed) expect(decision.approval).toBe(decision.row.approval);
            else expect([decision.visible, decision.reasons.length > 0]).toEqual([expected.visible, true]);
            // Explained as decided, but for the justification, which explain takes as given.
            const given = model(holds, who, target, 'because', facts.args ?? {});
            const explained = matrix.explain(who, target, facts.args ?? {});
            expect(explained.decision !== 'denied').toBe(given.allowed);
            cells++;
            if (decision.allowed) allowed++;
            else if (decision.visible) refused++;
          }
        }
      },
    ),
    { numRuns: 300 },
  );
  // The cells say something only if there are enough of each kind.
  expect(cells).toBeGreaterThan(2_000);
  expect(Math.min(allowed, refused)).toBeGreaterThan(100);
});
