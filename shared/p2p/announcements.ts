/**
 * Owns this node's own record and the records of others: signs and tells what is offered (gossip to all, DHT for who asks
 * later), and takes in what others tell. Decides nothing by what they claim.
 */
import type { Log } from '../log.ts';
import { type Capabilities, capabilitiesSchema } from './capabilities.ts';
import type { NodeKey } from './key.ts';
import type { Topic, TopicSpec } from './node.ts';
import {
  MAX_RECORD_BYTES,
  type Opened,
  openRecord,
  type PeerRecord,
  RECORD_LIFETIME_MS,
  sealRecord,
} from './record.ts';

const TELL_EVERY_MS = 15_000;
const STORE_EVERY_MS = 60_000;
/** Changes that come together are told together; and not more often than this, however many peers come. */
const GATHER_MS = 100;
const TELL_AT_MOST_EVERY_MS = 3_000;
export const RECORD_TOPIC = '/aivillage/records/1';

export interface AnnouncementParts {
  readonly key: NodeKey;
  readonly log: Log;
  now(): number;
  addresses(): readonly string[];
  subscribe(topic: TopicSpec): Topic;
  /** Puts the own record into the DHT. */
  store(record: Uint8Array): Promise<void>;
  /** A record of another peer whose signature was checked. */
  learn(record: PeerRecord): void;
}

export interface Announcements {
  announce(offer: Partial<Capabilities>): void;
  withdraw(service: string): void;
  /** The own record as it is now. */
  own(): PeerRecord;
  /** Something that the record says changed, or somebody new listens. */
  refresh(): void;
  close(): void;
}

export function startAnnouncements(parts: AnnouncementParts): Announcements {
  const { key, log, now } = parts;
  let offered: Capabilities = { cpu_cores: 0, memory_gb: 0, gpu: false, services: {} };
  let sequence = 0;
  let gathering: NodeJS.Timeout | undefined;
  let toldAt = 0;
  let isClosed = false;

  // Judged before it is passed on, then received: one check of the signature is enough.
  const opened = new WeakMap<Uint8Array, Opened>();
  const open = (data: Uint8Array): Opened => {
    const found = opened.get(data) ?? openRecord(data, now());
    opened.set(data, found);
    return found;
  };
  const topic = parts.subscribe({
    name: RECORD_TOPIC,
    maxBytes: MAX_RECORD_BYTES,
    judge(data) {
      const { flaw } = open(data);
      if (flaw === undefined) return 'accept';
      return flaw === 'forged' ? 'breach' : 'ignore';
    },
    receive(data) {
      const { record } = open(data);
      if (record !== undefined && record.peerId !== key.peerId) parts.learn(record);
    },
  });
  const draft = (): Omit<PeerRecord, 'peerId'> => {
    const issuedAt = now();
    // Time makes it grow over restarts, the counter within one millisecond.
    sequence = Math.max(sequence + 1, issuedAt);
    const addresses = parts.addresses().slice(0, 16);
    return { ...offered, addresses, sequence, issuedAt, expiresAt: issuedAt + RECORD_LIFETIME_MS };
  };
  const tell = (): void => {
    if (isClosed) return;
    toldAt = now();
    topic.publish(sealRecord(key, draft())).catch((cause: unknown) => log.debug({ cause }, 'the record was not told'));
  };
  const store = (): void => {
    if (isClosed) return;
    parts.store(sealRecord(key, draft())).catch((cause: unknown) => log.debug({ cause }, 'the record was not stored'));
  };
  const refresh = (): void => {
    if (gathering !== undefined || isClosed) return;
    gathering = setTimeout(
      () => {
        gathering = undefined;
        tell();
      },
      Math.max(GATHER_MS, toldAt + TELL_AT_MOST_EVERY_MS - now()),
    );
  };
  const timers = [setInterval(tell, TELL_EVERY_MS), setInterval(store, STORE_EVERY_MS)];

  return {
    announce(offer) {
      const services = { ...offered.services, ...offer.services };
      offered = capabilitiesSchema.parse({ ...offered, ...offer, services });
      refresh();
      store();
    },
    withdraw(service) {
      const { [service]: _, ...services } = offered.services;
      offered = { ...offered, services };
      refresh();
      store();
    },
    own: () => ({ peerId: key.peerId, ...draft() }),
    refresh,
    close() {
      isClosed = true;
      for (const timer of timers) clearInterval(timer);
      clearTimeout(gathering);
      topic.leave();
    },
  };
}
