/** Owns reading a password: typed without echo on a terminal, or the first line of standard input when it is none. */
import type { IdentityCliDeps } from './identity-deps.ts';

const MAX_INPUT = 4_096;
/** Return, and what cancels: Ctrl-C, Ctrl-D. */
const ENDS = new Set(['\r', '\n', '\u0003', '\u0004']);

/** The password was not given. The message is fit for the user. */
export class PasswordInputError extends Error {
  override readonly name = 'PasswordInputError';
}

type Terminal = Pick<IdentityCliDeps, 'input' | 'messages'>;

/** A new password; asked for twice on a terminal. Throws PasswordInputError. */
export async function askNewPassword(terminal: Terminal): Promise<string> {
  if (terminal.input.isTTY !== true) return firstLine(terminal.input);
  // Before the first prompt and until after the last answer, or what is typed quickly is echoed.
  terminal.input.setRawMode?.(true);
  try {
    const password = await typed(terminal, 'Password: ');
    if ((await typed(terminal, 'Again: ')) !== password) throw new PasswordInputError('The two passwords differ.');
    return password;
  } finally {
    terminal.input.setRawMode?.(false);
  }
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes('\n') || text.length > MAX_INPUT) break;
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '')
    throw new PasswordInputError('Expected a password on the first line of standard input; it was empty.');
  return line;
}

function typed({ input, messages }: Terminal, prompt: string): Promise<string> {
  messages.write(prompt);
  input.setEncoding('utf8');
  input.resume();
  return new Promise((resolve, reject) => {
    const characters: string[] = [];
    function finish(settle: () => void): void {
      input.off('data', read);
      input.off('end', ended);
      input.pause();
      messages.write('\n');
      settle();
    }
    const ended = () => finish(() => reject(new PasswordInputError('The terminal was closed.')));
    function read(chunk: string | Buffer): void {
      const came = [...String(chunk)];
      const end = came.findIndex((character) => ENDS.has(character));
      for (const character of end === -1 ? came : came.slice(0, end)) {
        if (character === '\u007f' || character === '\b') characters.pop();
        else if (character >= ' ' && characters.length < MAX_INPUT) characters.push(character);
      }
      if (end === -1) return;
      const cancelled = came[end] === '\u0003' || came[end] === '\u0004';
      finish(() => (cancelled ? reject(new PasswordInputError('Cancelled.')) : resolve(characters.join(''))));
      // What was pasted beyond the line belongs to the next question.
      const rest = came.slice(end + 1).join('');
      if (rest !== '') input.unshift(rest, 'utf8');
    }
    input.on('data', read);
    input.once('end', ended);
  });
}
