import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Envelope, type Header, signEnvelope } from '../../../../servers/p2p/bitchat/envelope.ts';
import { createIntake, QUOTAS, type Quotas, REPLY } from '../../../../servers/p2p/bitchat/intake.ts';
import { sealContent } from '../../../../servers/p2p/bitchat/seal.ts';
import { type MessageStore, openMessageStore } from '../../../../servers/p2p/store/message-store.ts';
import { makeNodeKey, type NodeKey } from '../../../../shared/p2p/key.ts';

const NEIGHBOUR = 'a neighbour';
const log = { debug() {}, info() {}, warn() {}, error() {} };
const [me, alice, bob] = [makeNodeKey(), makeNodeKey(), makeNodeKey()];
let folder: string;
let store: MessageStore;
let now: number;
let reports: string[];
let confirmed: string[];

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'intake-'));
  store = await openMessageStore(folder);
  now = 1_800_000_000_000;
  reports = [];
  confirmed = [];
});
afterEach(async () => {
  await store.close();
  fs.rmSync(folder, { recursive: true });
});

function intakeWith(quotas: Partial<Quotas> = {}) {
  return createIntake({
    key: me,
    store,
    quotas: { ...QUOTAS, ...quotas },
    log,
    now: () => now,
    report: (_, severity, why) => reports.push(`${severity}: ${why}`),
    confirm: ({ id }: Envelope) => confirmed.push(id),
  });
}

function message(from: NodeKey, to: NodeKey, more: Partial<Header> = {}, text = 'hello'): Buffer {
  const header: Header = {
    kind: 'message',
    id: randomBytes(16).toString('hex'),
    from: from.peerId,
    to: to.peerId,
    createdAt: now,
    expiresAt: now + 60_000,
    maxHops: 7,
    ...more,
  };
  return signEnvelope(from, { ...header, body: sealContent(header, { fromAgent: 'sage', text }) });
}

function confirmation(from: NodeKey, to: NodeKey, id: string): Buffer {
  const header = { id: randomBytes(16).toString('hex'), createdAt: now, expiresAt: now + 60_000, maxHops: 7 };
  const body = Buffer.from(id, 'hex');
  return signEnvelope(from, { kind: 'confirmation', from: from.peerId, to: to.peerId, ...header, body });
}

it('[N3] puts a message for this node into the inbox once, and confirms it once', () => {
  const intake = intakeWith();
  const bytes = message(alice, me);
  expect(intake(NEIGHBOUR, 3, bytes)).toMatchObject({ reply: REPLY.accepted, is: 'mine' });
  expect(intake(NEIGHBOUR, 3, bytes).reply).toBe(REPLY.duplicate);
  expect(intake('another neighbour', 5, bytes).reply).toBe(REPLY.duplicate);
  expect(store.inbox(0, 10, undefined)).toMatchObject([
    { fromPeer: alice.peerId, fromAgent: 'sage', content: 'hello' },
  ]);
  expect(confirmed).toHaveLength(1);
});

it('[N3] confirms nothing to a sender that handed it over itself', () => {
  expect(intakeWith()(alice.peerId, 6, message(alice, me)).reply).toBe(REPLY.accepted);
  expect(confirmed).toEqual([]);
});

it('[N3] carries a message for another with one link less, and drops it when its recipient confirms it', () => {
  const intake = intakeWith();
  const bytes = message(alice, bob, { id: '01'.repeat(16) });
  expect(intake(NEIGHBOUR, 4, bytes)).toMatchObject({ reply: REPLY.accepted, is: 'carry' });
  expect(store.parcelsFor(bob.peerId, now, 8, 10)).toMatchObject([{ id: '01'.repeat(16), hopsLeft: 4 }]);
  expect(store.parcelsFor(NEIGHBOUR, now, 8, 10)).toEqual([]);
  intake(NEIGHBOUR, 4, confirmation(alice, me, '01'.repeat(16)));
  expect(store.findCarried('01'.repeat(16))).toBeDefined();
  intake(NEIGHBOUR, 4, confirmation(bob, alice, '01'.repeat(16)));
  expect(store.findCarried('01'.repeat(16))).toBeUndefined();
});

it('[N3] does not carry on what has no link left', () => {
  expect(intakeWith()(NEIGHBOUR, 0, message(alice, bob)).reply).toBe(REPLY.refused);
  expect(store.carriedForOthers().count).toBe(0);
});

it('[N3] takes the longer reach when the first copy came the longer way', () => {
  const intake = intakeWith();
  const bytes = message(alice, bob, { id: '02'.repeat(16) });
  intake(NEIGHBOUR, 1, bytes);
  intake('another', 5, bytes);
  expect(store.findCarried('02'.repeat(16))?.hopsLeft).toBe(5);
  intake('another', 2, bytes);
  expect(store.findCarried('02'.repeat(16))?.hopsLeft).toBe(5);
});

it('[N3] counts a wrong signature, a broken form and impossible links against the neighbour, and keeps nothing', () => {
  const intake = intakeWith();
  const forged = message(alice, me);
  forged[forged.length - 1]! ^= 1;
  expect(intake(NEIGHBOUR, 3, forged).reply).toBe(REPLY.malformed);
  expect(intake(NEIGHBOUR, 3, Buffer.from('nonsense')).reply).toBe(REPLY.malformed);
  expect(intake(NEIGHBOUR, 7, message(alice, me)).reply).toBe(REPLY.malformed);
  expect(reports).toEqual([
    'breach: an envelope with a wrong signature',
    'breach: an envelope that breaks the form',
    'breach: an envelope that breaks the form',
  ]);
  expect(store.inboxCount()).toBe(0);
});

it('[N3] a forged copy does not use up the id of the true one', () => {
  const intake = intakeWith();
  const bytes = message(alice, me);
  const forged = Buffer.from(bytes);
  forged[forged.length - 1]! ^= 1;
  intake(NEIGHBOUR, 3, forged);
  expect(intake(NEIGHBOUR, 3, bytes).reply).toBe(REPLY.accepted);
});

it('[N3] blames nobody for what has run out on the way', () => {
  const bytes = message(alice, me);
  now += 60_000;
  expect(intakeWith()(NEIGHBOUR, 3, bytes).reply).toBe(REPLY.refused);
  expect(reports).toEqual([]);
});

it('[N3] keeps to the quota of each sender; others still get through', () => {
  const intake = intakeWith({ perSender: { count: 3, bytes: 1_000_000 } });
  const replies = [1, 2, 3, 4].map(() => intake(NEIGHBOUR, 3, message(alice, bob)).reply);
  expect(replies).toEqual([REPLY.accepted, REPLY.accepted, REPLY.accepted, REPLY.busy]);
  expect(intake(NEIGHBOUR, 3, message(makeNodeKey(), bob)).reply).toBe(REPLY.accepted);
  expect(intake(NEIGHBOUR, 3, message(alice, me)).reply).toBe(REPLY.accepted);
});

it('[N3] keeps to the quota of bytes, of each neighbour and of the inbox', () => {
  const size = message(alice, bob).length;
  const bytes = intakeWith({ perSender: { count: 100, bytes: 2 * size } });
  expect([1, 2, 3].map(() => bytes(NEIGHBOUR, 3, message(alice, bob)).reply)).toEqual([0, 0, REPLY.busy]);
  const neighbour = intakeWith({ perNeighbour: { count: 1, bytes: 1_000_000 } });
  expect([1, 2].map(() => neighbour('other', 3, message(makeNodeKey(), bob)).reply)).toEqual([0, REPLY.busy]);
  const inbox = intakeWith({ inboxPerHour: 1 });
  expect([1, 2].map(() => inbox(NEIGHBOUR, 3, message(alice, me)).reply)).toEqual([0, REPLY.busy]);
});

it('[N3] answers a flood with busy, and scores down who goes on', () => {
  const intake = intakeWith();
  const bytes = message(alice, me);
  const replies = Array.from({ length: 512 + 128 + 5 }, () => intake(NEIGHBOUR, 3, bytes).reply);
  expect(replies.filter((reply) => reply === REPLY.busy)).toHaveLength(133);
  expect(reports.length).toBeGreaterThanOrEqual(5);
  expect(intake('a quiet neighbour', 3, message(alice, me)).reply).toBe(REPLY.accepted);
});

it('[N3] refuses a message to this node that was encrypted for another', () => {
  const header: Header = {
    kind: 'message',
    id: '03'.repeat(16),
    from: alice.peerId,
    to: me.peerId,
    createdAt: now,
    expiresAt: now + 60_000,
    maxHops: 7,
  };
  const body = sealContent({ ...header, to: bob.peerId }, { fromAgent: 'sage', text: 'not for you' });
  expect(intakeWith()(NEIGHBOUR, 3, signEnvelope(alice, { ...header, body })).reply).toBe(REPLY.refused);
  expect(store.inboxCount()).toBe(0);
});

it('[N3] keeps what it took in over a restart, and still knows a duplicate', async () => {
  const bytes = message(alice, me);
  intakeWith()(NEIGHBOUR, 3, bytes);
  await store.close();
  store = await openMessageStore(folder);
  expect(store.inboxCount()).toBe(1);
  expect(intakeWith()(NEIGHBOUR, 3, bytes).reply).toBe(REPLY.duplicate);
});

it('[N3] forgets what has run out, and keeps the newest of the inbox', () => {
  const intake = intakeWith();
  for (let n = 0; n < 5; n += 1) intake(NEIGHBOUR, 3, message(alice, me, {}, `message ${n}`));
  intake(NEIGHBOUR, 3, message(alice, bob));
  store.prune(now + 60_000, { inbox: 3, forMs: 1_000_000 });
  expect(store.carriedForOthers().count).toBe(0);
  expect(store.inbox(0, 10, undefined).map(({ content }) => content)).toEqual(['message 2', 'message 3', 'message 4']);
});
