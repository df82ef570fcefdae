/**
 * How much a benchmark does. `--quick` cuts it to a hundredth, which shows that the benchmark runs from end to end; the figures
 * that it then prints mean nothing.
 */
const isQuick = process.argv.includes('--quick');

/** The whole amount, or its hundredth (at least `least`) with `--quick`. */
export function amount(whole: number, least = 1): number {
  return isQuick ? Math.max(least, Math.round(whole / 100)) : whole;
}
