/**
 * Measures the scan for personal data: `node test/bench/privacy.ts`, `--json` for one object. Speed on 1 MB of prose, of labelled
 * sentences (personal data in every second line) and of hostile texts, beside one pass of three plain regular expressions; and the
 * table of recall and precision on the sentences that the detectors were not made with.
 */
import { openPrivacy } from '../../shared/privacy/privacy.ts';
import { createPseudonyms, newPseudonymKey } from '../../shared/privacy/pseudonyms.ts';
import { measure, readLabelled, tableOf } from '../fixtures/privacy/labelled.ts';
import { amount } from './amount.ts';
import { median } from './median.ts';

const MEGABYTE = 1_000_000;
const TEXT_CHARACTERS = amount(MEGABYTE);
const ROUNDS = 3;
/** The first so many texts are honest. */
const HONEST = 2;

/** What many use, on the two honest texts only (its first expression takes minutes for 1 MB of digits): finds e-mail addresses, things like telephone numbers and cards, and two words with capitals. */
const PLAIN = [/[\w.+-]+@[\w-]+\.[\w.]+/g, /\+?\d[\d ()-]{7,}\d/g, /\p{Lu}\p{L}+ \p{Lu}\p{L}+/gu];
const plainPass = (text: string) => PLAIN.reduce((count, pattern) => count + [...text.matchAll(pattern)].length, 0);

const [opened, openMs] = await timed(openPrivacy);
const { scan, anonymise } = opened;
const sentences = [...readLabelled('tuned'), ...readLabelled('held-out')];
const prose = sentences.filter(({ spans }) => spans.length === 0).map(({ text }) => text);
const texts: Record<string, string> = {
  'prose, nothing personal': filled(`${prose.join('\n')}\n`),
  'labelled sentences': filled(`${sentences.map(({ text }) => text).join('\n')}\n`),
  digits: filled('1'),
  'a@': filled('a@'),
  spaces: filled(' '),
  emoji: filled('😀👨‍👩‍👧'),
  'right to left': filled('שלום عليكم '),
  'lone surrogates': filled('a\uD800'),
};

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

function filled(pattern: string): string {
  return pattern.repeat(Math.ceil(TEXT_CHARACTERS / pattern.length)).slice(0, TEXT_CHARACTERS);
}

/** MB a second: by the clock, and by the processor's time of this process, which other programs do not change. */
function speedOf(text: string, work: (text: string) => unknown) {
  const megabytes = Buffer.byteLength(text) / MEGABYTE;
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    const started = performance.now();
    work(text);
    return { ms: performance.now() - started, cpuMs: process.cpuUsage(before).user / 1_000 };
  });
  return {
    mbPerSecond: (megabytes * 1_000) / median(rounds.map(({ ms }) => ms)),
    mbPerCpuSecond: (megabytes * 1_000) / median(rounds.map(({ cpuMs }) => cpuMs)),
  };
}

const speeds = Object.entries(texts).map(([name, text], i) => ({
  name,
  scan: speedOf(text, scan),
  plain: i < HONEST ? speedOf(text, plainPass) : undefined,
}));
const pseudonyms = createPseudonyms(newPseudonymKey());
const anonymising = speedOf(texts['labelled sentences']!, (text) => anonymise(text, pseudonyms));
const { scores } = measure(readLabelled('held-out'), scan);

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ open_ms: openMs, speeds, anonymising, scores }));
} else {
  const number = (value: number) => value.toFixed(2).padStart(9);
  console.log(`dictionaries and numbering plans loaded in ${openMs.toFixed(0)} ms\n`);
  console.log(`${'1 MB of'.padEnd(26)} scan MB/s  by CPU   plain MB/s  by CPU`);
  for (const { name, scan: ours, plain } of speeds) {
    const speedsHere = plain === undefined ? [ours] : [ours, plain];
    const cells = speedsHere.flatMap(({ mbPerSecond, mbPerCpuSecond }) => [
      number(mbPerSecond),
      number(mbPerCpuSecond),
    ]);
    console.log(name.padEnd(26), ...cells);
  }
  console.log('labelled, anonymised'.padEnd(26), number(anonymising.mbPerSecond), number(anonymising.mbPerCpuSecond));
  console.log(`\nheld-out sentences (${readLabelled('held-out').length})\n${tableOf(scores)}`);
}
