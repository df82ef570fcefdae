/** A pair of tokens by REST: given for a password or for the refresh token of an older pair. Keeps nothing. */
import { z } from 'zod';
import { errorOfHttp } from '../shared/client/answers.ts';
import { AppError } from '../shared/errors.ts';

export interface Pair {
  readonly accessToken: string;
  /** Each can be used once. */
  readonly refreshToken: string;
}

const pairSchema = z.looseObject({ access_token: z.string().min(1), refresh_token: z.string().min(1) });

/**
 * @param url of `/api/auth/login` or `/api/auth/refresh`
 * @throws AppError UNAUTHENTICATED, or what the router says
 */
export async function requestPair(
  url: URL,
  body: Readonly<Record<string, string | undefined>>,
  request: typeof fetch,
): Promise<Pair> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw errorOfHttp(text) ?? new AppError('UNAUTHENTICATED', { text: 'The router gave no token' });
  const { access_token: accessToken, refresh_token: refreshToken } = pairSchema.parse(JSON.parse(text));
  return { accessToken, refreshToken };
}
