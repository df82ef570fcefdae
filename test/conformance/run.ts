/**
 * `npm run conformance`: the official suite through the router, for each version and upstream, beside the same fixture reached
 * directly. Ends with 1 when a check is missing, or lost on the way.
 */
import { CHECKS, SPEC_VERSIONS, startSetup, UPSTREAMS } from './setup.ts';
import { runSuite, type SuiteResult } from './suite.ts';

const setup = await startSetup();
let isWhole = true;
try {
  for (const version of SPEC_VERSIONS) {
    const reference = await runSuite(setup.reference, version);
    report(`${version} the fixture itself`, reference, CHECKS[version]);
    for (const upstream of UPSTREAMS) {
      const result = await runSuite(setup.through(upstream), version);
      report(`${version} through the router, upstream over ${upstream}`, result, CHECKS[version]);
      const lost = without(reference.passed, result.passed);
      process.stdout.write(`  lost against the fixture itself: ${lost.length}\n${lines(lost)}`);
      isWhole &&= lost.length === 0;
    }
  }
} finally {
  await setup.close();
}
process.exitCode = isWhole ? 0 : 1;

function report(title: string, { counts, problems }: SuiteResult, expected: number): void {
  const { passed, failed, warnings, skipped } = counts;
  process.stdout.write(
    `${title}: ${passed} of ${expected} checks passed, ${failed} failed, ${warnings} warned, ${skipped} skipped\n`,
  );
  process.stdout.write(lines(problems));
  isWhole &&= passed === expected && problems.length === 0;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `    ${text}\n`).join('');
}

/** What of the first is not in the second, counting how often it is there. */
function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...some];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
