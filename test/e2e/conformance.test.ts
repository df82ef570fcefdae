import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKS, type Setup, SPEC_VERSIONS, startSetup, UPSTREAMS } from '../conformance/setup.ts';
import { runSuite } from '../conformance/suite.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await startSetup();
});
afterAll(() => setup.close());

describe.each(SPEC_VERSIONS)('the official suite for %s', (version) => {
  it.each(UPSTREAMS)(
    `[P2] [P3] passes all ${CHECKS[version]} checks through the router, upstream over %s`,
    async (upstream) => {
      const { counts, problems } = await runSuite(setup.through(upstream), version);
      expect(problems).toEqual([]);
      expect(counts).toEqual({ passed: CHECKS[version], failed: 0, warnings: 0, skipped: 0 });
    },
    60_000,
  );
});
