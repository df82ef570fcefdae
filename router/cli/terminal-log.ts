/** What somebody who watches the terminal sees of the log: what is wrong; all of it is in the file. */
import type { DestinationStream } from 'pino';

const PROBLEM = /^\{"level":"(?:warn|error|fatal)"/;

/** Lets through lines of warnings and errors. A line is one JSON object that begins with its level. */
export function problemsOnly(stream: { write(text: string): unknown }): DestinationStream {
  return {
    write(line) {
      if (PROBLEM.test(line)) stream.write(line);
    },
  };
}
