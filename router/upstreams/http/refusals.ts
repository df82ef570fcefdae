/**
 * Owns what is said of an HTTP answer that is no MCP answer, and whether the call may have run all the same:
 * UPSTREAM_UNAVAILABLE = it did not, UPSTREAM_INVALID and CONNECTION_LOST = it may have. Never names hosts, paths or bodies.
 */
import { AppError } from '../../../shared/errors.ts';

/** Media type of a Content-Type header, lower case, without parameters; `nothing` when there is none. */
export function mediaType(contentType: string | string[] | undefined): string {
  const text = Array.isArray(contentType) ? contentType[0] : contentType;
  if (text === undefined) return 'nothing';
  if (text === 'application/json' || text === 'text/event-stream') return text;
  const semicolon = text.indexOf(';');
  const type = (semicolon === -1 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  return /^[a-z0-9.+-]{1,64}\/[a-z0-9.+-]{1,64}$/.test(type) ? type : 'an unreadable type';
}

/** True when the body is compressed, which was not asked for and is not taken: a small one may unfold to any size. */
export function isEncoded(contentEncoding: string | string[] | undefined): boolean {
  return contentEncoding !== undefined && contentEncoding !== '' && contentEncoding !== 'identity';
}

export function encodedAnswer(): AppError {
  return new AppError('UPSTREAM_INVALID', {
    text: 'The server sent a compressed answer, which is refused; expected content-encoding identity, as was asked for',
  });
}

export function tooLarge(maxBytes: number): AppError {
  return new AppError('RESULT_TOO_LARGE', { text: `The result is larger than the limit of ${maxBytes} bytes` });
}

export function notUtf8(): AppError {
  return new AppError('UPSTREAM_INVALID', { text: 'The server sent an answer that is not valid UTF-8' });
}

export function noAnswer(): AppError {
  return new AppError('UPSTREAM_INVALID', {
    text: 'The server sent JSON that does not answer the request; expected a JSON-RPC response with its id',
  });
}

/** The request never left, or the connection broke while it was out. */
export function broken(wasSent: boolean, cause: Error | undefined): AppError {
  return wasSent
    ? new AppError('CONNECTION_LOST', { text: 'The connection was lost before the answer came', cause })
    : new AppError('UPSTREAM_UNAVAILABLE', {
        text: 'The server could not be reached; the request was not sent',
        cause,
      });
}

/** What a status and a type mean that are not an answer. */
export function refusal(status: number, type: string): AppError {
  const came = `got HTTP status ${status} with ${type}`;
  if (status >= 300 && status < 400) {
    return new AppError('UPSTREAM_UNAVAILABLE', {
      text: `The server redirects (HTTP status ${status}), and redirects are not followed; configure the final address`,
    });
  }
  if (status === 401 || status === 403) {
    return new AppError('UPSTREAM_UNAVAILABLE', {
      text: `The server refuses the router's credentials (HTTP status ${status}); check the headers configured for it`,
    });
  }
  if ((status >= 400 && status < 500) || status === 503) {
    return new AppError('UPSTREAM_UNAVAILABLE', { text: `The server refused the request: ${came}` });
  }
  return new AppError('UPSTREAM_INVALID', {
    text: `Expected HTTP status 200 with application/json or text/event-stream, ${came}`,
  });
}
