import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IdentitySetupError } from '../../../../shared/identity/key-file.ts';
import { keyFiles, loadOrCreateSecret, parseSecret } from '../../../../shared/identity/secret.ts';
import { loadOrCreateSigningKey, parsePublicKey } from '../../../../shared/identity/signing-key.ts';
import { temporaryFolder } from '../../../fixtures/identity/setup.ts';

let folder: string;
let files: { secret: string; signingKey: string };
beforeEach(() => {
  folder = temporaryFolder();
  files = keyFiles(path.join(folder, 'data'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const rights = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);

it('[X4] makes a secret of 32 random bytes, for the owner only, and keeps it', () => {
  const secret = loadOrCreateSecret(files.secret);
  expect(Buffer.from(Buffer.from(secret).toString(), 'base64url')).toHaveLength(32);
  expect(rights(files.secret)).toBe('600');
  expect(rights(path.dirname(files.secret))).toBe('700');
  expect(loadOrCreateSecret(files.secret)).toEqual(secret);
  expect(parseSecret(fs.readFileSync(files.secret, 'utf8').trim())).toEqual(secret);
});

it('[X4] makes an Ed25519 key pair, keeps it, and its public half travels as text', () => {
  const key = loadOrCreateSigningKey(files.signingKey);
  expect(rights(files.signingKey)).toBe('600');
  const signature = crypto.sign(null, Buffer.from('x'), loadOrCreateSigningKey(files.signingKey).privateKey);
  expect(crypto.verify(null, Buffer.from('x'), parsePublicKey(key.publicKeyText), signature)).toBe(true);
});

it.each([0o640, 0o604, 0o620, 0o666, 0o644])('[X4] refuses a key file with rights %o and says what to do', (mode) => {
  loadOrCreateSecret(files.secret);
  fs.chmodSync(files.secret, mode);
  expect(() => loadOrCreateSecret(files.secret)).toThrow(`has rights ${mode.toString(8)}, expected 600`);
  expect(() => loadOrCreateSecret(files.secret)).toThrow(`chmod 600 ${files.secret}`);
});

it('[X4] refuses a folder in which others can replace the keys', () => {
  fs.mkdirSync(path.dirname(files.secret), { recursive: true });
  fs.chmodSync(path.dirname(files.secret), 0o777);
  expect(() => loadOrCreateSecret(files.secret)).toThrow(/others can replace the keys/);
});

it('[X4] refuses a symbolic link, an empty file and what is no key', () => {
  loadOrCreateSecret(files.secret);
  const link = `${files.secret}-link`;
  fs.symlinkSync(files.secret, link);
  expect(() => loadOrCreateSecret(link)).toThrow(/symbolic link/);
  fs.writeFileSync(files.secret, '');
  expect(() => loadOrCreateSecret(files.secret)).toThrow(/holds no key/);
  fs.writeFileSync(files.secret, 'short');
  expect(() => loadOrCreateSecret(files.secret)).toThrow(/fewer than 32 bytes/);
  fs.writeFileSync(files.signingKey, 'no key', { mode: 0o600 });
  expect(() => loadOrCreateSigningKey(files.signingKey)).toThrow(/no Ed25519 private key/);
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  fs.writeFileSync(files.signingKey, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(() => loadOrCreateSigningKey(files.signingKey)).toThrow(/no Ed25519 private key/);
});

it('[A1] counts bytes, not characters, of MCP_JWT_SECRET_KEY', () => {
  expect(() => parseSecret('é'.repeat(15))).toThrow(IdentitySetupError);
  expect(() => parseSecret('x'.repeat(31))).toThrow(/MCP_JWT_SECRET_KEY has 31 bytes, expected at least 32/);
  expect(parseSecret('é'.repeat(16))).toHaveLength(32);
});
