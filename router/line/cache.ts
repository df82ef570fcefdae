/**
 * Answers of read-only tools, kept for as long as the row of the matrix says (`cacheSeconds`) and shown again to callers with the
 * same rights only (R7). What may differ by session, by client or by anything but the arguments is never kept, nor is a failure.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../../shared/identity/caller.ts';
import { canonical } from '../../shared/json/canonical.ts';
import { parseExact } from '../../shared/json/exact.ts';
import { decodeOctets, type Octets } from '../../shared/json/octets.ts';
import type { PermissionRow } from '../../shared/matrix/rows.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { memberOf, octetsOf } from '../message.ts';
import type { Answer } from '../upstreams/peer.ts';
import type { UpstreamServer } from '../upstreams/server.ts';
import { JUSTIFICATION_META_KEY } from './authorize.ts';

const MAX_ENTRIES = 10_000;
const MAX_BYTES = 64 * 2 ** 20;
/** Of one answer: what is longer would drive too many others out. */
const MAX_ANSWER_BYTES = 2 ** 20;
/** Longer arguments are not made canonical: that would cost more than many a call. */
const MAX_ARGUMENTS_BYTES = 65_536;
/** What an entry takes beside its answer. */
const ENTRY_BYTES = 256;

/** In `_meta` these say nothing that a tool's answer depends on. */
const NEUTRAL_META: ReadonlySet<string> = new Set(['progressToken', JUSTIFICATION_META_KEY]);

export class AnswerCache {
  private readonly kept: LRUCache<string, Octets>;
  private readonly classes = new WeakMap<Caller, string>();

  /** @param now milliseconds, on any clock that does not go back */
  constructor(now: () => number) {
    this.kept = new LRUCache({
      max: MAX_ENTRIES,
      maxSize: MAX_BYTES,
      maxEntrySize: MAX_ANSWER_BYTES + ENTRY_BYTES,
      sizeCalculation: (octets) => octets.length + ENTRY_BYTES,
      perf: { now },
      // The clock is asked each time: answers must not outlive their row by the age of a remembered time.
      ttlResolution: 0,
    });
  }

  get size(): number {
    return this.kept.size;
  }

  /**
   * Names the answer to this call: the same for calls that must have the same answer, and for no others.
   * @returns undefined when its answer is not to be kept
   */
  keyFor(call: Call, entry: Entry, row: PermissionRow): string | undefined {
    if (row.cacheSeconds === undefined || entry.target.kind !== 'tool' || !entry.item.readOnly) return undefined;
    const { server, item } = entry;
    if (call.approval !== undefined || server.options.isolation === 'session' || hasMeta(call)) return undefined;
    const args = argumentsText(call);
    if (args === undefined) return undefined;
    const rights = this.rightsOf(call.caller, server.options.assertion !== undefined);
    const parts = [rights, server.id, server.serial, server.epoch, item.own, item.digest, args];
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
  }

  get(key: string): Answer | undefined {
    const octets = this.kept.get(key);
    return octets === undefined ? undefined : { ok: true, octets };
  }

  /** Keeps an answer, unless it is a failure or its client had a part in it. */
  put(key: string, call: Call, { cacheSeconds }: PermissionRow, { ok, octets }: Answer): void {
    if (!ok || cacheSeconds === undefined || call.isPrivate || octets.length > MAX_ANSWER_BYTES) return;
    if (IS_ERROR.test(octets)) return;
    // A copy of its own: a part of what was received would keep all of that in memory.
    const own = Buffer.from(octets, 'latin1').toString('latin1') as Octets;
    this.kept.set(key, own, { ttl: cacheSeconds * 1_000 });
  }

  /** A call that may have changed something at this server is over: nobody is shown what was before. */
  changed(server: UpstreamServer): void {
    server.epoch++;
  }

  /**
   * All that decides what a caller may see. A server that is told who calls may answer each caller differently; one that is not
   * cannot.
   */
  private rightsOf(caller: Caller, isTold: boolean): string {
    let known = this.classes.get(caller);
    if (known === undefined) {
      known = JSON.stringify([caller.level, caller.role, [...caller.permissions].sort()]);
      this.classes.set(caller, known);
    }
    return isTold ? JSON.stringify([known, caller.agentId, caller.actor ?? null]) : known;
  }
}

/** Where a result says that it is a failure; a text that only speaks of it costs no more than a call that is not kept. */
const IS_ERROR = /"isError"\s*:\s*true/;

function hasMeta({ message }: Call): boolean {
  const meta = memberOf(message.params, '_meta');
  return meta?.members?.some(({ key }) => !NEUTRAL_META.has(key)) ?? false;
}

/** Undefined when they are too long, or would change by being made canonical. */
function argumentsText({ message }: Call): string | undefined {
  const member = memberOf(message.params, 'arguments');
  if (member === undefined) return '{}';
  if (member.end - member.start > MAX_ARGUMENTS_BYTES) return undefined;
  try {
    return canonical(parseExact(decodeOctets(octetsOf(message.text, member))));
  } catch {
    return undefined;
  }
}
