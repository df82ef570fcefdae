/**
 * The figures that this project is held to (D1 to D15, and what cases ask beside them), each with the trial that shows it and the
 * gates on what the trial reports. Runs nothing.
 */

export interface Gate {
  readonly what: string;
  /** Where in the report it stands: `killed.faults`, `quarters.0.p99Ms`. Of a list its length counts. */
  readonly path: string;
  readonly most?: number;
  readonly least?: number;
}

export interface Trial {
  /** Of this folder, or `../bench/…`. Its last line on stdout is its report, JSON. */
  readonly file: string;
  /** Options with a number are as much as the figure asks; a scale makes less of them. */
  readonly options?: Readonly<Record<string, number>>;
  readonly args?: readonly string[];
  readonly gates: readonly Gate[];
}

export interface Figure {
  readonly what: string;
  readonly trials: readonly Trial[];
}

const none = (what: string, path: string): Gate => ({ what, path, most: 0 });
const most = (what: string, path: string, limit: number): Gate => ({ what, path, most: limit });
const least = (what: string, path: string, limit: number): Gate => ({ what, path, least: limit });
const tests = (...files: string[]): Trial => ({
  file: 'tests.ts',
  args: files,
  gates: [none('tests that fail', 'failed'), least('tests', 'tests', 1)],
});
const kills = (kind: string): Trial => ({
  file: 'upstream-kills.ts',
  options: { rounds: 100 },
  args: ['--kind', kind],
  gates: [
    none(`${kind}: faults`, 'faults'),
    most(`${kind}: ms from the death to the last answer`, 'slowestFailureMs', 1_000),
    most(`${kind}: ms until it serves again`, 'slowestRestartMs', 5_000),
  ],
});

export const FIGURES: Readonly<Record<string, Figure>> = {
  D1: {
    what: '1,000 calls a second for 10 minutes, all checks on',
    trials: [
      {
        file: 'load.ts',
        options: { seconds: 600 },
        gates: [
          least('calls a second', 'perSecond', 990),
          none('errors', 'faults'),
          most('p99 beside the server itself, ms', 'addedP99Ms', 10),
        ],
      },
    ],
  },
  D2: { what: 'a server killed with 200 calls in flight, 100 times', trials: [kills('stdio'), kills('http')] },
  D3: {
    what: 'a copy killed every 5 s under 200 calls a second; one that hangs; 20 broken servers among 5',
    trials: [
      {
        file: 'replicas.ts',
        options: { seconds: 60 },
        gates: [
          least('read-only calls that succeed, %', 'killed.readOnlySuccessPercent', 99.9),
          none('side effects twice, or otherwise than told', 'killed.faults'),
          most('p99 of calls that moved, ms', 'killed.movedP99Ms', 2_000),
          most('p99 of others while one hangs, by before', 'hung.ratio', 1.5),
          none('calls that failed while one hangs', 'hung.failures'),
          most('ready among broken ones, ms', 'broken.readyMs', 5_000),
          none('calls of healthy ones that failed', 'broken.failures'),
          most('p50 of healthy ones, by alone', 'broken.p50Ratio', 1.5),
          most('p99 of healthy ones, by alone', 'broken.p99Ratio', 1.5),
          most('CPU of the router beside broken ones, %', 'broken.cpuPercent', 5),
        ],
      },
    ],
  },
  D4: {
    what: 'the router killed 1,000 times under load',
    trials: [
      {
        file: 'kill.ts',
        options: { rounds: 1_000 },
        gates: [
          none('lost, twice, or not verified', 'faults'),
          least('calls in flight at a kill', 'leastInFlightAtKill', 1),
          most('ready again, ms', 'worstReadyMs', 2_000),
        ],
      },
    ],
  },
  D5: {
    what: '10,000 changes of the audit found; a million records verified',
    trials: [
      { file: 'audit-tamper.ts', options: { rounds: 10_000 }, gates: [none('not found', 'missed')] },
      {
        file: '../bench/audit.ts',
        options: { records: 1_000_000 },
        gates: [most('verified in, ms', 'verify.ms', 60_000)],
      },
    ],
  },
  D6: {
    what: 'disk full, store away: nothing runs without a record',
    trials: [tests('test/e2e/audit/faults.test.ts', 'test/integration/router/audit/faults.test.ts')],
  },
  D7: {
    what: '100,000 sessions and an hour of coming and going',
    trials: [
      {
        file: 'churn.ts',
        options: { minutes: 60, sessions: 100_000 },
        gates: [
          most('memory of the last quarter beside the first, %', 'rssGrowthPercent', 10),
          most('p99 of the last quarter by the first', 'p99Ratio', 1.1),
          most('open files beyond those before', 'filesGrowth', 1),
          none('sessions at the end', 'sessionsAfter'),
          most('children at the end', 'children', 1),
          none('faults', 'faults'),
        ],
      },
    ],
  },
  D8: {
    what: '5,000 slow sockets, 200 clients that do not read, 1 GB results',
    trials: [
      {
        file: 'slow-clients.ts',
        options: { sockets: 5_000 },
        gates: [
          most('the last slow one closed, ms', 'slowestCloseMs', 15_000),
          least('streams that nobody reads cut', 'cut', 1),
          most('memory, MiB', 'grownMb', 64),
          most("others' p99, by alone", 'p99Ratio', 2),
          most('the event loop held, ms', 'stallMs', 100),
        ],
      },
      tests('test/e2e/upstream-too-much.test.ts', 'test/e2e/bombs.test.ts', 'test/e2e/oversized-bodies.test.ts'),
    ],
  },
  D9: {
    what: 'a revocation and a changed matrix hold everywhere within a second',
    trials: [tests('test/e2e/identity/revocation.test.ts', 'test/e2e/changes.test.ts')],
  },
  D10: {
    what: 'the emergency stop: 100 ms, a second over several routers, no way around',
    trials: [tests('test/e2e/stop', 'test/e2e/governance/two-routers.test.ts')],
  },
  D11: {
    what: '100,000 calls with the same ids, 2,000 cells of the matrix',
    trials: [{ file: 'id-collision.ts', gates: [none('exit', 'exit')] }, tests('test/e2e/matrix')],
  },
  D12: {
    what: 'three routers, one limit; one caller that floods',
    trials: [
      {
        file: 'limiter.ts',
        gates: [
          most('over the limit in any 60 s, as its client counts, %', 'overPercent', 1),
          most('fewer than without any error, %', 'underPercent', 1),
        ],
      },
      {
        file: 'flood.ts',
        options: { seconds: 30 },
        gates: [
          none("others' calls, votes and logins that failed", 'failures'),
          most("others' p99, by alone", 'p99Ratio', 1.5),
          most('votes, the middle one by alone', 'voteRatio', 1.5),
          most('logins, the middle one by alone', 'loginRatio', 1.5),
        ],
      },
    ],
  },
  D13: {
    what: 'a million mutated bodies of clients, 100,000 replies of servers',
    trials: [
      {
        file: 'fuzz.ts',
        options: { count: 1_000_000, servers: 100_000 },
        gates: [
          none('crashes, 5xx, wrong answers', 'faults'),
          most('the event loop held by a client, ms', 'clients.longestStallMs', 100),
          most('the event loop held by a server, ms', 'servers.longestStallMs', 100),
        ],
      },
    ],
  },
  D14: {
    what: 'one vote a voter, one execution an approval, kills included',
    trials: [
      { file: 'approvals.ts', options: { rounds: 1_000 }, gates: [none('failures', 'failures')] },
      tests('test/integration/servers/governance/races.test.ts', 'test/e2e/governance/approvals.test.ts'),
    ],
  },
  D15: {
    what: 'chaos, 20 schedules of 10 minutes',
    trials: [{ file: 'chaos.ts', options: { seeds: 20, seconds: 600 }, gates: [none('faults', 'faults')] }],
  },
};
