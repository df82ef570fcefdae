import { expect, it } from 'vitest';
import { analyze, compare, type Step } from '../../../../servers/monitoring/workflow/analyze.ts';

let id = 0;
function step(name: string, startMs: number, endMs: number, more: Partial<Step> = {}): Step {
  id++;
  return {
    callId: `c${id}`,
    name,
    server: 's',
    agent: 'alice',
    startMs,
    endMs,
    outcome: 'ok',
    reason: null,
    argsDigest: `d${id}`,
    ...more,
  };
}

it('[O3] finds the path that decided the end, with the waits on it', () => {
  // b runs beside a and ends first; c waits 20 ms after a; d overlaps nothing and comes last.
  const steps = [step('a', 0, 100), step('b', 10, 60), step('c', 120, 200), step('d', 200, 260)];
  const { criticalPath, busyMs, idleMs, startMs, endMs } = analyze(steps);
  expect(criticalPath.map(({ step: { name }, waitMs }) => [name, waitMs])).toEqual([
    ['a', 0],
    ['c', 20],
    ['d', 0],
  ]);
  expect([startMs, endMs, busyMs, idleMs]).toEqual([0, 260, 240, 20]);
});

it('[O3] leaves what ran beside a longer step out of the path', () => {
  const steps = [step('long', 0, 500), step('x', 10, 100), step('y', 110, 300)];
  expect(analyze(steps).criticalPath.map(({ step: { name } }) => name)).toEqual(['long']);
});

it('[O3] counts as a retry the same call again after one that failed, and nothing else', () => {
  const failed = { outcome: 'failed', reason: 'TIMEOUT', argsDigest: 'same' };
  const steps = [
    step('fetch', 0, 10, failed),
    step('fetch', 20, 30, failed),
    step('fetch', 40, 50, { argsDigest: 'same' }),
    step('fetch', 60, 70, { argsDigest: 'same' }),
    step('fetch', 80, 90, { argsDigest: 'other' }),
  ];
  const { tools, failing } = analyze(steps);
  expect(tools).toMatchObject([{ name: 'fetch', calls: 5, failed: 2, retries: 2, totalMs: 50, medianMs: 10 }]);
  expect(failing.map(({ name }) => name)).toEqual(['fetch']);
});

it('[O3] puts the slowest first, and compares each tool with itself before', () => {
  const { slowest, tools } = analyze([step('a', 0, 10), step('b', 20, 100), step('a', 100, 130)]);
  expect(slowest.map(({ name, endMs, startMs }) => [name, endMs - startMs])).toEqual([
    ['b', 80],
    ['a', 30],
    ['a', 10],
  ]);
  const before = [step('a', -100, -95), step('a', -90, -85, { outcome: 'failed' }), step('z', -50, -40)];
  expect(compare(tools, before)).toEqual([
    { name: 'b', medianMs: 80, medianBeforeMs: null, failedPercent: 0, failedBeforePercent: null },
    { name: 'a', medianMs: 20, medianBeforeMs: 5, failedPercent: 0, failedBeforePercent: 50 },
  ]);
});
