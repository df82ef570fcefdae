/** Owns reading a password: typed without echo on a terminal, or the first line of standard input when it is none. */
import type { IdentityCliDeps } from './identity-deps.ts';

const MAX_INPUT = 4_096;

/** The password was not given. The message is fit for the user. */
export class PasswordInputError extends Error {
  override readonly name = 'PasswordInputError';
}

type Terminal = Pick<IdentityCliDeps, 'input' | 'messages'>;

/** A new password; asked for twice on a terminal. Throws PasswordInputError. */
export async function askNewPassword(terminal: Terminal): Promise<string> {
  if (terminal.input.isTTY !== true) return firstLine(terminal.input);
  const password = await typed(terminal, 'Password: ');
  if ((await typed(terminal, 'Again: ')) !== password) throw new PasswordInputError('The two passwords differ.');
  return password;
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
  input.setRawMode?.(true);
  input.setEncoding('utf8');
  input.resume();
  return new Promise((resolve, reject) => {
    const characters: string[] = [];
    function finish(settle: () => void): void {
      input.off('data', read);
      input.off('end', ended);
      input.setRawMode?.(false);
      input.pause();
      messages.write('\n');
      settle();
    }
    const ended = () => finish(() => reject(new PasswordInputError('The terminal was closed.')));
    function read(chunk: string | Buffer): void {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return finish(() => resolve(characters.join('')));
        if (character === '\u0003' || character === '\u0004') {
          return finish(() => reject(new PasswordInputError('Cancelled.')));
        }
        if (character === '\u007f' || character === '\b') characters.pop();
        else if (character >= ' ' && characters.length < MAX_INPUT) characters.push(character);
      }
    }
    input.on('data', read);
    input.once('end', ended);
  });
}
