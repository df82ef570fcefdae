/** What the parts need of a logger: pino's calling form, so that a pino logger fits as it is. Makes no logger itself. */

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
