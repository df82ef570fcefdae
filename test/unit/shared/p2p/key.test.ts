import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import {
  agreementKeyOf,
  isPeerId,
  isSignedBy,
  loadNodeKey,
  makeNodeKey,
  peerIdOf,
  publicKeyOf,
} from '../../../../shared/p2p/key.ts';

const data = Buffer.from('what is signed');

it('[N1] keeps its peer id from start to start, in a file of its owner alone', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'key-'));
  const file = path.join(folder, 'p2p.key');
  const first = loadNodeKey(file);
  expect(loadNodeKey(file).peerId).toBe(first.peerId);
  expect(first.peerId).toMatch(/^12D3KooW/);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  fs.chmodSync(file, 0o644);
  expect(() => loadNodeKey(file)).toThrow('chmod 600');
  fs.rmSync(folder, { recursive: true });
});

it('[N3] accepts a signature only of that key, that purpose and those bytes', () => {
  const [key, other] = [makeNodeKey(), makeNodeKey()];
  const signature = key.sign('a purpose', data);
  expect(isSignedBy(key.peerId, 'a purpose', data, signature)).toBe(true);
  expect(isSignedBy(other.peerId, 'a purpose', data, signature)).toBe(false);
  expect(isSignedBy(key.peerId, 'another', data, signature)).toBe(false);
  expect(isSignedBy(key.peerId, 'a purpose', Buffer.from('else'), signature)).toBe(false);
  expect(isSignedBy(key.peerId, 'a purpose', data, signature.subarray(1))).toBe(false);
  expect(isSignedBy('nobody', 'a purpose', data, signature)).toBe(false);
});

it('[N3] gives everyone who knows a peer id the same secret as its owner', () => {
  for (let round = 0; round < 50; round += 1) {
    const key = makeNodeKey();
    const own = crypto.generateKeyPairSync('x25519');
    const sent = crypto.diffieHellman({ privateKey: own.privateKey, publicKey: agreementKeyOf(key.peerId) });
    const received = crypto.diffieHellman({ privateKey: key.agreementKey(), publicKey: own.publicKey });
    expect(sent.equals(received)).toBe(true);
  }
});

it.each(['', '12D3KooW', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', '/ip4/127.0.0.1/tcp/1', 'x'.repeat(10_000)])(
  '[N1] takes %j for no peer id of ours',
  (text) => {
    expect(isPeerId(text)).toBe(false);
    expect(publicKeyOf(text)).toBeUndefined();
  },
);

it('[N1] turns a public key into a peer id and back', () => {
  const { peerId } = makeNodeKey();
  expect(peerIdOf(publicKeyOf(peerId)!)).toBe(peerId);
});
