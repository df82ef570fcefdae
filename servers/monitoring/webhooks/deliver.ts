/**
 * Sends one body to one URL of a webhook: checked against requests to places that are nobody's business (SSRF), at the very
 * addresses that were checked, signed, without following redirects. Keeps nothing.
 */
import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { checkUrl } from '../../../shared/check-url.ts';

export interface Delivery {
  readonly url: string;
  readonly secret: string;
  readonly body: string;
  /** The same at each attempt, so that the receiver can tell a repetition. */
  readonly id: string;
}

export interface DeliverOptions {
  /** This machine and private networks too. */
  readonly allowPrivate: boolean;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** Header of the signature: `sha256=` and the HMAC of the body, in hexadecimal. */
const SIGNATURE_HEADER = 'x-aivillage-signature';

/**
 * @returns the status of the answer, whose body is not read
 * @throws AppError SECURITY_VIOLATION or CONNECTION_FAILED of the check; Error of the connection
 */
export async function deliver(delivery: Delivery, options: DeliverOptions): Promise<number> {
  const { url, lookup } = await checkUrl(delivery.url, { allowPrivate: options.allowPrivate });
  const body = Buffer.from(delivery.body);
  const send = url.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        lookup,
        // A connection of its own: one that is kept could lead elsewhere than was checked.
        agent: false,
        timeout: options.timeoutMs ?? TIMEOUT_MS,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'user-agent': 'aivillage-monitoring',
          'x-aivillage-delivery': delivery.id,
          [SIGNATURE_HEADER]: `sha256=${createHmac('sha256', delivery.secret).update(body).digest('hex')}`,
        },
      },
      (response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once('timeout', () => request.destroy(new Error(`no answer within ${options.timeoutMs ?? TIMEOUT_MS} ms`)));
    request.once('error', reject);
    request.end(body);
  });
}
