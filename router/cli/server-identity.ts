/**
 * How a server of ours, run by itself, knows its callers: by the router's assertions when it was given the router's key,
 * else by tokens of the data folder; and by the same matrix as the router (A6, A7).
 */
import { AppError } from '../../shared/errors.ts';
import { createAssertionVerifier } from '../../shared/identity/assertions.ts';
import { LOCAL_CALLER } from '../../shared/identity/local-caller.ts';
import { openIdentity } from '../../shared/identity/open-identity.ts';
import type { IdentityCheck } from '../../shared/identity/proof.ts';
import { permits } from '../../shared/identity/roles.ts';
import { parsePublicKey } from '../../shared/identity/signing-key.ts';
import { createMatrix } from '../../shared/matrix/matrix.ts';
import { BUILT_IN_ROWS } from '../../shared/permission-matrix.ts';
import { type Gate, unknownTarget } from '../../shared/request.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Village } from '../config/config.ts';
import type { CliContext } from './context.ts';

export interface ServerIdentity {
  readonly check: IdentityCheck;
  readonly authorize: Gate['authorize'];
  close(): Promise<void>;
}

export async function identityOfServer(
  context: CliContext,
  settings: Settings,
  id: string,
  village: () => Village,
): Promise<ServerIdentity> {
  const { assertionKey } = settings;
  const matrixOf = (configured: Village['permissions']) =>
    createMatrix({ builtIn: BUILT_IN_ROWS, configured, permits });
  let rows = village().permissions;
  let matrix = matrixOf(rows);
  const authorize: Gate['authorize'] = (caller, target) => {
    const full =
      target.kind === 'resource'
        ? ({ kind: 'resource', uri: target.uri, serverId: id } as const)
        : ({ kind: target.kind, listedName: target.name, serverId: id, ownName: target.name } as const);
    const { permissions } = village();
    if (permissions !== rows) {
      rows = permissions;
      matrix = matrixOf(rows);
    }
    if (!matrix.visible(caller, full)) throw unknownTarget(target);
  };
  if (assertionKey !== undefined) {
    const verifier = createAssertionVerifier({
      publicKey: parsePublicKey(assertionKey),
      serverId: id,
      issuer: settings.jwtIssuer,
      now: Date.now,
    });
    const check: IdentityCheck = {
      fromAssertion: async (jwt) => verifier.verify(jwt),
      fromToken: () => Promise.reject(new AppError('UNAUTHENTICATED')),
      local: () => LOCAL_CALLER,
    };
    return { check, authorize, close: async () => {} };
  }
  const identity = await openIdentity(await context.identity().settings());
  const check: IdentityCheck = {
    fromAssertion: () => Promise.reject(new AppError('UNAUTHENTICATED')),
    fromToken: async (token) => identity.verifier.verify(token),
    local: () => LOCAL_CALLER,
  };
  return { check, authorize, close: () => identity.close() };
}
