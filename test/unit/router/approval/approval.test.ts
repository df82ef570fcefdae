import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { argumentsDigest, rowDigest } from '../../../../router/approval/binding.ts';
import { createTickets, requesterOf, type Ticket } from '../../../../router/approval/ticket.ts';
import { createUsedApprovals } from '../../../../router/approval/used-approvals.ts';
import { openStopStore } from '../../../../router/stop/stop-store.ts';
import { createAssertionMinter, createAssertionVerifier } from '../../../../shared/identity/assertions.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';

function keys() {
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { privateKey: key, publicKey: createPublicKey(key) };
}

const OURS = keys();
const TICKET: Ticket = {
  caller: { agentId: 'magi', role: 'user', level: LEVELS.OPERATOR, permissions: ['fog:*'], tokenId: 'jti' },
  serverId: 'ledger',
  tool: 'append',
  definitionDigest: 'a'.repeat(64),
  argumentsDigest: 'b'.repeat(64),
  rowDigest: 'c'.repeat(64),
  justification: '',
};

it('[G5] opens what a router of this village sealed, and nothing that was changed or sealed by others', () => {
  const tickets = createTickets(OURS);
  const sealed = tickets.seal(TICKET);
  expect(tickets.open(sealed)).toEqual(TICKET);
  const [body = '', signature = ''] = sealed.split('.');
  const forged = Buffer.from(JSON.stringify({ ...TICKET, tool: 'pay' })).toString('base64url');
  const others = createTickets(keys()).seal(TICKET);
  for (const bad of [`${forged}.${signature}`, body, `${sealed}.x`, others, '', '.', `${body}.`]) {
    expect(() => tickets.open(bad), bad).toThrow(/No router of this village sealed this call/);
  }
});

it('[A6] [G4] the assertion of an approved call names its requester, and who had it made', async () => {
  const now = () => 1_700_000_000_000;
  const minter = createAssertionMinter({ privateKey: OURS.privateKey, issuer: 'aivillage', now });
  const verifier = createAssertionVerifier({ publicKey: OURS.publicKey, serverId: 'ledger', issuer: 'aivillage', now });
  const caller = await verifier.verify(await minter.get(requesterOf(TICKET, 'governance'), 'ledger'));
  expect(caller).toMatchObject({ agentId: 'magi', actor: 'governance', level: LEVELS.OPERATOR });
});

it('[G4] G02: an approval is used once, by whichever router on the folder, with whatever fence', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'used-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const stores = [await openStopStore(folder), await openStopStore(folder)];
  const [one, two] = stores.map(({ store }) => createUsedApprovals(store));
  one?.use('p', 7, 1);
  for (const fence of [7, 8, 6]) expect(() => two?.use('p', fence, 2)).toThrow(/was made before/);
  two?.use('q', 7, 3);
  for (const store of stores) await store.close();
});

it('[G5] G03: one digest for one call, whatever its spelling; another for another', () => {
  const base = argumentsDigest('{"a":10,"b":"x"}');
  for (const same of ['{"b":"x","a":10}', '{"a":10.0,"b":"\\u0078"}', ' {"a":1e1,"b":"x"} '])
    expect(argumentsDigest(same)).toBe(base);
  for (const other of ['{"a":"10","b":"x"}', '{"a":10}', '{"a":10,"b":"x","c":null}'])
    expect(argumentsDigest(other)).not.toBe(base);
  for (const bad of ['{"a":9007199254740993}', '{"a":"\\ud800"}', '{']) {
    expect(() => argumentsDigest(bad)).toThrow(/read one way only/);
  }
  const row = { match: 'x', level: 'OPERATOR', approval: 'minor_change' } as const;
  expect(rowDigest({ ...row })).toBe(rowDigest(row));
  expect(rowDigest({ ...row, approval: 'major_change' })).not.toBe(rowDigest(row));
});
