/**
 * What a decision costs: a matrix of 200 rows, 1,000 tools, warm. `node test/bench/matrix.ts [--json] [--quick]`; µs of CPU, the median
 * of several rounds.
 */
import { LEVELS } from '../../shared/identity/levels.ts';
import type { CallFacts, Rights } from '../../shared/matrix/decide.ts';
import type { Target } from '../../shared/matrix/match.ts';
import { createMatrix } from '../../shared/matrix/matrix.ts';
import type { PermissionRow } from '../../shared/matrix/rows.ts';
import { BUILT_IN_ROWS } from '../../shared/permission-matrix.ts';
import { amount } from './amount.ts';
import { medianMicroseconds } from './microseconds.ts';

const CALLS = amount(200_000);

const configured: PermissionRow[] = [
  { match: '*', level: 'OPERATOR' },
  { match: 'ruled/*', level: 'READ_ONLY', arguments: { properties: { a: { type: 'string', pattern: '^[a-z]+$' } } } },
  ...Array.from({ length: 198 }, (_, i): PermissionRow => ({ match: `server${i}/*_${i}`, level: 'READ_ONLY' })),
];
const permits = (granted: readonly string[], needed: string) => granted.includes(needed);
const caller: Rights = { agentId: 'sage', level: LEVELS.OPERATOR, permissions: ['audit:read'] };

/** New objects with new strings each time, as a door makes them. */
function tools(serverId: string): Target[] {
  return Array.from({ length: 1_000 }, (_, i): Target => {
    const ownName = `tool_${i}`;
    return { kind: 'tool', listedName: `${serverId}__${ownName}`, serverId, ownName };
  });
}

const matrix = createMatrix({ builtIn: BUILT_IN_ROWS, configured, permits });
const plain = tools('foreign');
const ruled = tools('ruled');
const facts: CallFacts = { arguments: () => JSON.parse('{"a":"abcdefghij"}') as unknown };

const results = {
  rows: matrix.rows().length,
  decide_us: await medianMicroseconds(CALLS, (i) => void matrix.decide(caller, plain[i % 1_000]!, facts)),
  visible_us: await medianMicroseconds(CALLS, (i) => void matrix.visible(caller, plain[i % 1_000]!)),
  decide_first_time_us: await medianMicroseconds(amount(2_000), (i) => {
    const ownName = `${'x'.repeat(600)}${i}`;
    matrix.decide(caller, { kind: 'tool', listedName: ownName, serverId: 'foreign', ownName });
  }),
  decide_with_argument_rules_us: await medianMicroseconds(
    CALLS / 10,
    (i) => void matrix.decide(caller, ruled[i % 1_000]!, facts),
  ),
  create_us: await medianMicroseconds(
    amount(20),
    () => void createMatrix({ builtIn: BUILT_IN_ROWS, configured, permits }),
  ),
};

const lines = Object.entries(results).map(([key, value]) => `${key.padEnd(30)} ${value}`);
process.stdout.write(`${process.argv.includes('--json') ? JSON.stringify(results) : lines.join('\n')}\n`);
