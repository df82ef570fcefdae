/** What circuits read from a peer's signed record, and what they do not believe. */
import { expect, it, describe as suite } from 'vitest';
import { describe, SERVICE } from '../../../../../servers/p2p/betanet/node-network.ts';
import type { KnownPeer } from '../../../../../shared/p2p/node.ts';

const onionKey = Buffer.alloc(32, 5);
const peer = (details: Record<string, string | number | boolean> | undefined, addresses: string[] = []): KnownPeer => ({
  peerId: '12D3KooWtest',
  isConnected: true,
  direction: 'inbound',
  transport: 'tcp',
  addresses,
  latencyMs: undefined,
  lastSeenAt: 0,
  standing: 0,
  record: {
    peerId: '12D3KooWtest',
    addresses: [],
    sequence: 1,
    issuedAt: 0,
    expiresAt: 1,
    cpu_cores: 1,
    memory_gb: 1,
    gpu: false,
    services: details === undefined ? {} : { [SERVICE]: details },
  },
});

suite('a peer that announces circuits', () => {
  const good = { onion_key: onionKey.toString('base64url'), relay: true, capacity: 500, operator: 'us' };

  it('[N4] is known by its key, capacity, operator and where it was seen', () => {
    const addresses = ['/dns4/relay.example/tcp/1', '/ip6/2001:db8::7/udp/4001/quic-v1', '/ip4/192.0.2.1/tcp/1'];
    expect(describe(peer(good, addresses))).toEqual({
      peer: '12D3KooWtest',
      onionKey,
      relay: true,
      capacity: 500,
      operator: 'us',
      address: '2001:db8::7',
    });
  });

  it.each([
    ['no record of it', undefined],
    ['no key', { relay: true, capacity: 5 }],
    ['a key that is a number', { ...good, onion_key: 7 }],
    ['a key of another length', { ...good, onion_key: 'AAAA' }],
  ])('[N4] is passed over with %s', (_, details) => {
    expect(describe(peer(details))).toBeUndefined();
  });

  it('[N4] relays only when it says so in so many words, and counts little when it says nothing of its size', () => {
    expect(describe(peer({ ...good, relay: 'yes', capacity: 'all' }))).toMatchObject({ relay: false, capacity: 1 });
    expect(describe(peer({ ...good, capacity: -3 }))).toMatchObject({ capacity: 1 });
  });
});
