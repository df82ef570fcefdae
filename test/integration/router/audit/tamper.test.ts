import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../../../router/audit/verify.ts';
import { makePlace } from '../../../fixtures/audit.ts';
import { TAMPER_NAMES, tamperBench } from '../../../fixtures/audit-tamper.ts';

/** `npm run soak` runs more. */
const ROUNDS = 2_000;
const RECORDS = 60;
const PER_FORM = Math.ceil(ROUNDS / TAMPER_NAMES.length);

let root: string;
let bench: Awaited<ReturnType<typeof tamperBench>>;
beforeAll(async () => {
  root = makePlace().root;
  bench = await tamperBench(root, RECORDS);
});
afterAll(() => fs.rmSync(root, { recursive: true }));

describe('[D2][F02] names the first bad record', () => {
  it.each(TAMPER_NAMES)('when %s', { timeout: 60_000 }, async (name) => {
    const missed: string[] = [];
    for (let seed = 1; seed <= PER_FORM; seed += 1) {
      const sentence = await bench.round(name, seed);
      if (sentence !== undefined) missed.push(sentence);
    }
    expect(missed).toEqual([]);
  });

  it('and finds nothing in the untouched audit', async () => {
    expect(await verifyAudit(bench.original)).toEqual({ ok: true, records: RECORDS });
  });
});
