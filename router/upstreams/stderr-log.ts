/** Puts a server's stderr into the log, a line each, bounded in length and rate: a server may babble (E03). */

const MAX_LINE = 2_000;
/** A burst is logged, such as what a server says when it starts or fails; who goes on and on is heard now and then. */
const BURST_LINES = 50;
const LINES_PER_SECOND = 5;
const LF = 0x0a;

export class StderrLog {
  /** The last line that said something. */
  last = '';
  private readonly log: (line: string) => void;
  private rest = '';
  private second = 0;
  private budget = BURST_LINES;
  private leftOut = 0;

  constructor(log: (line: string) => void) {
    this.log = log;
  }

  push(chunk: Buffer): void {
    if (this.budget === 0 && Math.floor(performance.now() / 1000) === this.second) {
      this.skip(chunk);
      return;
    }
    const pieces = (this.rest + chunk.toString('utf8')).split('\n');
    this.rest = pieces.pop()!.slice(-MAX_LINE);
    for (const piece of pieces) {
      const line = piece.trimEnd().slice(0, MAX_LINE);
      if (line !== '') this.write(line);
    }
  }

  /** Who talks without end is not read to the letter: only its latest words are kept. */
  private skip(chunk: Buffer): void {
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) this.leftOut++;
    const lines = (this.rest + chunk.toString('utf8', Math.max(0, chunk.length - MAX_LINE))).split('\n');
    this.rest = lines.pop()!.slice(-MAX_LINE);
    this.last = lines.at(-1)?.trimEnd() || this.last;
  }

  private write(line: string): void {
    this.last = line;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      if (this.leftOut > 0) this.log(`(${this.leftOut} lines more were not logged)`);
      this.budget = Math.min(BURST_LINES, this.budget + LINES_PER_SECOND * (second - this.second));
      this.second = second;
      this.leftOut = 0;
    }
    if (this.budget > 0) {
      this.budget--;
      this.log(line);
    } else this.leftOut++;
  }
}
