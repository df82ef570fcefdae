/** Reads the body of a request: JSON by its type, not encoded, within the limit, whatever its headers claim. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../shared/errors.ts';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Throws AppError UNSUPPORTED_MEDIA_TYPE, MESSAGE_TOO_LARGE, CONNECTION_LOST; what was not read is not kept. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { headers } = request;
  const type = headers['content-type'];
  if (type !== 'application/json' && !JSON_TYPE.test(type ?? '')) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { text: 'Content-Type must be application/json' });
  }
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { text: 'Content-Encoding is not supported; send the body as it is' });
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const take = (part: Buffer): void => {
      length += part.length;
      if (length <= maxBytes) parts.push(part);
      else {
        parts.length = 0;
        request.off('data', take).pause();
        reject(tooLarge(maxBytes));
      }
    };
    request.on('data', take);
    request.on('end', () => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
    request.on('close', () => {
      if (!request.complete) reject(new AppError('CONNECTION_LOST'));
    });
  });
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('MESSAGE_TOO_LARGE', {
    text: `A message may have ${maxBytes} bytes at most`,
    data: { maxBytes },
  });
}
