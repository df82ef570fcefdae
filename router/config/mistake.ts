/** What is wrong in the configuration file, and where: one sentence each, fit for the file's owner. Finds nothing itself. */

/** From the root of the file: keys and list positions. */
export type ConfigPath = readonly (string | number)[];

/** Lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Mistake extends Place {
  readonly path: ConfigPath;
  /** What was expected and what came, as a whole sentence. */
  readonly text: string;
  /** What to do, as a whole sentence. */
  readonly remedy: string | undefined;
}

/** Every mistake of the file at once, one per line of the message, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly Mistake[];
  constructor(mistakes: readonly Mistake[]) {
    const sorted = mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map(printMistake).join('\n'));
    this.mistakes = sorted;
  }
}

/** `file:line:column: mcpServers.x.command: expected …, got …. Remedy.` */
export function printMistake({ file, line, column, path, text, remedy }: Mistake): string {
  const where = path.length === 0 ? '' : `${printPath(path)}: `;
  return `${file}:${line}:${column}: ${where}${text}${remedy === undefined ? '' : ` ${remedy}`}`;
}

function printPath(path: ConfigPath): string {
  let printed = '';
  for (const step of path) {
    if (typeof step === 'number') printed += `[${step}]`;
    else if (/^[A-Za-z_$][\w$-]{0,63}$/.test(step)) printed += printed === '' ? step : `.${step}`;
    else printed += `[${JSON.stringify(step.length > 80 ? `${step.slice(0, 80)}…` : step)}]`;
  }
  return printed;
}
