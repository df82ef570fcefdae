import { expect, it } from 'vitest';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';
import { openRecord, RECORD_LIFETIME_MS, sealRecord } from '../../../../shared/p2p/record.ts';

const NOW = 1_800_000_000_000;
const key = makeNodeKey();
const draft = {
  addresses: ['/ip4/192.0.2.1/tcp/4001'],
  sequence: 7,
  issuedAt: NOW,
  expiresAt: NOW + RECORD_LIFETIME_MS,
  cpu_cores: 4,
  memory_gb: 8,
  gpu: false,
  services: { 'fog-node': { price: 3, zone: 'a', spot: true } },
};

it('[N5] opens what the peer itself signed', () => {
  expect(openRecord(sealRecord(key, draft), NOW).record).toEqual({ peerId: key.peerId, ...draft });
});

it('[N5] finds every changed byte', () => {
  const sealed = sealRecord(key, draft);
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 0x04;
    expect(openRecord(changed, NOW).flaw, `byte ${at}`).toBe('forged');
  }
});

it('[N5] refuses a record that another peer signed in its name', () => {
  const other = makeNodeKey();
  const text = Buffer.from(sealRecord(key, draft).subarray(64)).toString().replace(key.peerId, other.peerId);
  const forged = Buffer.concat([key.sign('peer record 1', Buffer.from(text)), Buffer.from(text)]);
  expect(openRecord(forged, NOW).flaw).toBe('forged');
});

it.each([
  ['has run out', { ...draft, issuedAt: NOW - RECORD_LIFETIME_MS, expiresAt: NOW }],
  ['would be believed too long', { ...draft, expiresAt: NOW + RECORD_LIFETIME_MS + 1 }],
  ['is from the future', { ...draft, issuedAt: NOW + 180_000, expiresAt: NOW + 200_000 }],
])('[N5] takes one that %s for stale, which is nobody’s fault', (_, stale) => {
  expect(openRecord(sealRecord(key, stale), NOW).flaw).toBe('stale');
});

it.each([
  ['cores without end', { ...draft, cpu_cores: 1e9 }],
  ['negative memory', { ...draft, memory_gb: -1 }],
  [
    'an endless service list',
    { ...draft, services: Object.fromEntries([...Array(17).keys()].map((n) => [`s${n}`, {}])) },
  ],
  ['a long address', { ...draft, addresses: [`/dns/${'x'.repeat(600)}`] }],
])('[N5] does not even sign %s', (_, wrong) => {
  expect(() => sealRecord(key, wrong)).toThrow();
});

it.each([Buffer.alloc(0), Buffer.alloc(64), Buffer.alloc(500, 0xff), Buffer.alloc(100_000, 0x20)])(
  '[N5] refuses bytes that are no record',
  (bytes) => {
    expect(openRecord(bytes, NOW).flaw).toBe('forged');
  },
);
