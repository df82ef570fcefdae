import { expect, it } from 'vitest';
import { churn } from './lib/churn.ts';

it('[R5] [S3] S01: of sessions that were ended, abandoned or cut, and of servers that were killed, nothing is left', async () => {
  const report = await churn({ seconds: 6, sessions: 600, idleSeconds: 2, rehearsed: 100 });
  console.log(JSON.stringify(report));
  expect(report.faults).toEqual([]);
  expect(report.sessions).toBe(600);
  expect(report.cutStreams).toBeGreaterThan(30);
  expect(report.kills).toBeGreaterThan(0);
  expect(report.sessionsAfter).toBe(0);
  expect(report.filesAfter).toBeLessThanOrEqual(report.filesBefore + 3);
  expect(report.children).toBe(1);
}, 60_000);
