/**
 * Shows on stderr how far long work is: at a terminal one line that is written again, elsewhere a line now and then. Short work shows
 * nothing, and nothing ever goes to stdout.
 */

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Progress {
  /** @param total undefined when nobody knows yet */
  at(done: number, total: number | undefined, what: string): void;
  /** Takes the line away again; the result follows. */
  end(): void;
}

/** Between two lines, in milliseconds: also before the first, so that short work stays silent. */
const AT_TERMINAL_MS = 250;
const ELSEWHERE_MS = 5_000;
const LONGEST = 100;

/** @param now milliseconds of a clock that does not jump */
export function showProgress(stream: ProgressStream, now: () => number): Progress {
  const isTerminal = stream.isTTY === true;
  let last = now();
  let isShown = false;
  return {
    at(done, total, what) {
      if (now() - last < (isTerminal ? AT_TERMINAL_MS : ELSEWHERE_MS)) return;
      last = now();
      const text = lineOf(done, total, what);
      stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
      isShown = true;
    },
    end() {
      if (isShown && isTerminal) stream.write('\r\u001b[K');
      isShown = false;
    },
  };
}

function lineOf(done: number, total: number | undefined, what: string): string {
  const share =
    total === undefined || total <= 0 ? '' : ` of ${total} (${Math.min(100, Math.floor((100 * done) / total))} %)`;
  // Words of a server may hold what a terminal obeys.
  return `${done}${share} ${what}`.replace(/\p{Cc}/gu, ' ').slice(0, LONGEST);
}
