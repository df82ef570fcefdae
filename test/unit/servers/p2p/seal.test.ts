import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  decodeEnvelope,
  type Header,
  isGenuine,
  isTimely,
  MAX_ENVELOPE_BYTES,
  SEALED_EXTRA_BYTES,
  SIZE_CLASSES,
  signEnvelope,
} from '../../../../servers/p2p/bitchat/envelope.ts';
import { openContent, sealContent } from '../../../../servers/p2p/bitchat/seal.ts';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';

const NOW = 1_800_000_000_000;
const [alice, bob, eve] = [makeNodeKey(), makeNodeKey(), makeNodeKey()];
const header: Header = {
  kind: 'message',
  id: 'ab'.repeat(16),
  from: alice.peerId,
  to: bob.peerId,
  createdAt: NOW,
  expiresAt: NOW + 60_000,
  maxHops: 7,
};
const content = { fromAgent: 'sage', text: 'Grüße, 平和 🕊' };

function envelope(more: Partial<Header> = {}) {
  const whole = { ...header, ...more };
  return signEnvelope(alice, { ...whole, body: sealContent(whole, content) });
}

it('[N3] only the recipient reads a message', () => {
  const body = sealContent(header, content);
  expect(openContent(bob, header, body)).toEqual(content);
  expect(openContent(eve, header, body)).toBeUndefined();
  expect(openContent(alice, header, body)).toBeUndefined();
});

it('[N3] the same message never looks the same twice', () => {
  expect(sealContent(header, content).equals(sealContent(header, content))).toBe(false);
});

it('[N3] the length tells the size class alone', () => {
  const lengthOf = (characters: number) => sealContent(header, { fromAgent: 'a', text: 'x'.repeat(characters) }).length;
  expect(lengthOf(1)).toBe(lengthOf(200));
  const seen = [1, 500, 2_000, 10_000, 60_000].map(lengthOf);
  expect(seen).toEqual(SIZE_CLASSES.map((size) => size + SEALED_EXTRA_BYTES));
});

it('[N3] a body belongs to its header: no relay can put it under another', () => {
  const body = sealContent(header, content);
  expect(openContent(bob, { ...header, id: 'cd'.repeat(16) }, body)).toBeUndefined();
  expect(openContent(bob, { ...header, expiresAt: header.expiresAt + 1 }, body)).toBeUndefined();
});

it('[N3] comes back from its bytes as it was', () => {
  const bytes = envelope();
  expect(decodeEnvelope(bytes)).toMatchObject(header);
  expect(isGenuine(bytes, decodeEnvelope(bytes)!)).toBe(true);
});

it('[N3] finds every changed byte', () => {
  const bytes = envelope();
  for (let at = 0; at < bytes.length; at += 5) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 0x01;
    const decoded = decodeEnvelope(changed);
    expect(decoded !== undefined && isGenuine(changed, decoded), `byte ${at}`).toBe(false);
  }
});

it.each([
  ['more than seven links', { maxHops: 8 }],
  ['no link', { maxHops: 0 }],
  ['a life of more than a week', { expiresAt: NOW + 8 * 24 * 3_600_000 }],
  ['an end before its beginning', { expiresAt: NOW }],
])('[N3] refuses the form of one with %s', (_, more) => {
  expect(decodeEnvelope(envelope(more))).toBeUndefined();
});

it('[N3] refuses what is no envelope, whatever the bytes', () => {
  for (let round = 0; round < 500; round += 1) {
    const bytes = randomBytes(Math.floor(Math.random() * 2_000));
    const decoded = decodeEnvelope(bytes);
    expect(decoded !== undefined && isGenuine(bytes, decoded)).toBe(false);
  }
  expect(decodeEnvelope(Buffer.alloc(MAX_ENVELOPE_BYTES + 1, 1))).toBeUndefined();
});

it('[N3] is timely from its making, with two minutes for other clocks, until it runs out', () => {
  expect(isTimely(header, NOW - 120_000)).toBe(true);
  expect(isTimely(header, NOW - 120_001)).toBe(false);
  expect(isTimely(header, header.expiresAt - 1)).toBe(true);
  expect(isTimely(header, header.expiresAt)).toBe(false);
});
