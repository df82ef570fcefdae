import { expect, it } from 'vitest';
import { quantile, ToolRecords } from '../../../../router/tools/records.ts';
import { riskOf } from '../../../../router/tools/risk.ts';

it('[R10] counts calls, errors and refusals of each tool, and how long they took', () => {
  const records = new ToolRecords();
  for (let ms = 1; ms <= 100; ms++) records.note('up', 'echo', ms % 10 === 0 ? 'error' : 'ok', ms, 1_000 + ms);
  records.note('up', 'echo', 'refused', 0, 5_000);
  const record = records.get('up', 'echo')!;
  expect(record).toMatchObject({ calls: 100, errors: 10, refused: 1, lastUsedAt: 5_000, maxMs: 100 });
  expect(quantile(record, 0.5)).toBeGreaterThanOrEqual(50);
  expect(quantile(record, 0.5)).toBeLessThanOrEqual(75);
  expect(quantile(record, 1)).toBe(100);
  records.note('up', 'other', 'refused', 0, 1);
  expect(quantile(records.get('up', 'other')!, 0.5)).toBeNull();
});

it('[R10] [M6] gives a tool the more risk the more it can do, and says why', () => {
  const safe = riskOf(
    { annotations: { readOnlyHint: true, openWorldHint: false }, inputSchema: { additionalProperties: false } },
    'low',
    0,
  );
  const unknown = riskOf({ inputSchema: {} }, undefined, 0);
  const worst = riskOf({ inputSchema: { properties: { command: {} } } }, 'critical', 2);
  expect(safe).toEqual({ score: 0, reasons: [] });
  expect(unknown.score).toBe(0.6);
  expect(worst.score).toBe(1);
  expect(worst.reasons).toContain('takes command');
  expect(riskOf({ inputSchema: {} }, 'high', 0).score).toBe(0.8);
});
