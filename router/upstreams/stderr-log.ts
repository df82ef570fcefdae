/** Puts a server's stderr into the log, a line each, bounded in length and rate: a server may babble (E03). */

const MAX_LINE = 2_000;
const LINES_PER_SECOND = 50;

export class StderrLog {
  /** The last line that said something. */
  last = '';
  private readonly log: (line: string) => void;
  private rest = '';
  private second = 0;
  private lines = 0;

  constructor(log: (line: string) => void) {
    this.log = log;
  }

  push(chunk: Buffer): void {
    const pieces = (this.rest + chunk.toString('utf8')).split('\n');
    this.rest = pieces.pop()!.slice(-MAX_LINE);
    for (const piece of pieces) {
      const line = piece.trimEnd().slice(0, MAX_LINE);
      if (line !== '') this.write(line);
    }
  }

  private write(line: string): void {
    this.last = line;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      if (this.lines > LINES_PER_SECOND) this.log(`(${this.lines - LINES_PER_SECOND} lines more were not logged)`);
      this.second = second;
      this.lines = 0;
    }
    this.lines++;
    if (this.lines <= LINES_PER_SECOND) this.log(line);
  }
}
