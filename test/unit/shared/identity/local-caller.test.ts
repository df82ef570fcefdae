import crypto from 'node:crypto';
import { expect, it } from 'vitest';
import { createAssertionMinter, createAssertionVerifier } from '../../../../shared/identity/assertions.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { LOCAL_CALLER } from '../../../../shared/identity/local-caller.ts';
import { permits } from '../../../../shared/identity/roles.ts';
import { Clock } from '../../../fixtures/identity/setup.ts';

it('[A7] the local user is an OPERATOR that cannot vote, also in what a server is shown', async () => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
  const { now } = new Clock();
  const minter = createAssertionMinter({ privateKey, issuer: 'aivillage', now });
  const verifier = createAssertionVerifier({ publicKey, serverId: 'governance', issuer: 'aivillage', now });
  const seen = await verifier.verify(await minter.get(LOCAL_CALLER, 'governance'));
  for (const caller of [LOCAL_CALLER, seen]) {
    expect([caller.agentId, caller.level]).toEqual(['local-user', LEVELS.OPERATOR]);
    expect(permits(caller.permissions, 'governance:vote')).toBe(false);
    expect(permits(caller.permissions, 'governance:propose')).toBe(true);
  }
});
