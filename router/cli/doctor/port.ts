/** Checks whether the router could listen, by listening for a moment. */
import net from 'node:net';
import type { Settings } from '../../../shared/settings.ts';
import { type Check, codeOf, ok, problem } from './check.ts';

export async function checkPort({ host, port, tls }: Pick<Settings, 'host' | 'port' | 'tls'>): Promise<Check> {
  const place = `${host}:${port}`;
  const failed = await new Promise<string | undefined>((resolve) => {
    const server = net.createServer();
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  if (failed === undefined) return ok('port', `${place} is free.`);
  if (failed === 'EADDRINUSE') {
    if (await isRouter(host, port, tls !== undefined)) return ok('port', `a router answers on ${place} already.`);
    return problem('port', `${place} is in use by another program.`, 'End that, or choose another with MCP_PORT.');
  }
  const remedy =
    failed === 'EACCES' ? 'Choose one above 1023 with MCP_PORT.' : 'Choose an address of this machine with MCP_HOST.';
  return problem('port', `nothing can listen on ${place} (${failed}).`, remedy);
}

/** Ours answers /api/health with JSON that has a status. */
async function isRouter(host: string, port: number, isTls: boolean): Promise<boolean> {
  // A certificate is not for the address that is asked here, so behind TLS it cannot be told.
  if (isTls) return false;
  const wildcard = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const name = wildcard.includes(':') ? `[${wildcard}]` : wildcard;
  try {
    const response = await fetch(`http://${name}:${port}/api/health`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = JSON.parse((await response.text()).slice(0, 100_000));
    return typeof body === 'object' && body !== null && 'status' in body;
  } catch {
    return false;
  }
}
