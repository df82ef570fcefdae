import { expect, it } from 'vitest';
import { createPeerTable, transportOf } from '../../../../shared/p2p/peer-table.ts';

const record = (peerId: string, sequence: number) => ({
  peerId,
  sequence,
  addresses: ['/ip4/192.0.2.9/tcp/1'],
  issuedAt: 0,
  expiresAt: 1_000,
  cpu_cores: 1,
  memory_gb: 1,
  gpu: false,
  services: {},
});
const link = (id: string, address: string, direction: 'inbound' | 'outbound' = 'outbound') => ({
  id,
  address,
  direction,
});

it('[N2] shows a peer with its best connection and each address once, without its id', () => {
  const table = createPeerTable(10, () => 0);
  table.addAddresses('p', ['/ip4/192.0.2.1/tcp/1/p2p/p', '/ip4/192.0.2.1/tcp/1'], 1);
  table.addLink('p', link('r', '/ip4/192.0.2.8/tcp/1/p2p/q/p2p-circuit/p2p/p'), 2);
  table.addLink('p', link('d', '/ip4/192.0.2.2/udp/2/quic-v1'), 3);
  expect(table.get('p', 4)).toMatchObject({
    isConnected: true,
    transport: 'quic',
    addresses: ['/ip4/192.0.2.2/udp/2/quic-v1', '/ip4/192.0.2.1/tcp/1'],
  });
  table.measured('p', 5, 4);
  table.dropLink('p', 'd', 5);
  expect(table.get('p', 5)).toMatchObject({ transport: 'relay' });
  table.dropLink('p', 'r', 6);
  expect(table.get('p', 9)).toMatchObject({ isConnected: false, transport: undefined, lastSeenAt: 6, latencyMs: 5 });
  expect(table.connectedCount()).toBe(0);
});

it('[N2] does not offer the port that an inbound connection came from', () => {
  const table = createPeerTable(10, () => 0);
  table.addLink('p', link('i', '/ip4/192.0.2.2/tcp/50000', 'inbound'), 1);
  expect(table.get('p', 1)?.addresses).toEqual([]);
});

it('[N5] keeps the record with the highest sequence, and none that has run out', () => {
  const table = createPeerTable(10, () => 0);
  expect(table.putRecord(record('p', 2), 0)).toBe(true);
  expect(table.putRecord(record('p', 2), 0)).toBe(false);
  expect(table.putRecord(record('p', 1), 0)).toBe(false);
  expect(table.get('p', 999)?.record?.sequence).toBe(2);
  expect(table.get('p', 1_000)?.record).toBeUndefined();
});

it('[N2] drops the one unseen longest when it is full, never a connected one', () => {
  const table = createPeerTable(3, () => 0);
  table.addLink('kept', link('1', '/ip4/192.0.2.1/tcp/1'), 0);
  table.seen('oldest', 1);
  table.seen('older', 2);
  table.seen('newer', 3);
  expect(table.list(4).map(({ peerId }) => peerId)).toEqual(['newer', 'older', 'kept']);
});

it.each([
  ['/ip4/1.2.3.4/tcp/1', 'tcp'],
  ['/ip4/1.2.3.4/udp/1/quic-v1/p2p/x', 'quic'],
  ['/ip4/1.2.3.4/tcp/1/p2p/x/p2p-circuit/p2p/y', 'relay'],
  ['/memory/1', 'other'],
])('[N2] %s runs on %s', (address, transport) => {
  expect(transportOf(address)).toBe(transport);
});

it('[N2] an address from memory makes nobody seem to have been seen lately', () => {
  const table = createPeerTable(10, () => 0);
  table.seen('p', 500);
  table.addAddresses('p', ['/ip4/192.0.2.1/tcp/1'], 100);
  expect(table.get('p', 900)).toMatchObject({ lastSeenAt: 500, addresses: ['/ip4/192.0.2.1/tcp/1'] });
});
