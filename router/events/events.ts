/**
 * The village's events of the last while (O9), numbered, in a ring in memory; who watches is told soon after. What must not
 * be lost is in the audit; here it is for those who follow.
 */

const EVENT_KINDS = ['tool_executed', 'server_health_changed', 'security_violation', 'emergency_activated'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface VillageEvent {
  /** From 1, without gaps while this router runs. */
  readonly seq: number;
  readonly kind: EventKind;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly agent?: string | undefined;
  readonly server?: string | undefined;
  readonly tool?: string | undefined;
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  readonly callId?: string | undefined;
  readonly durationMs?: number | undefined;
  /** Of a server: healthy, degraded or unhealthy. */
  readonly status?: string | undefined;
  /** Of an emergency stop. */
  readonly scope?: string | undefined;
}

export type NewEvent = Omit<VillageEvent, 'seq' | 'atMs'>;

const CAPACITY = 5_000;
/** A thousand calls a second are a few updates, not a thousand. */
const TELL_AFTER_MS = 50;

export class Events {
  private readonly ring: VillageEvent[] = [];
  private readonly nowMs: () => number;
  private readonly watchers = new Set<Watcher>();
  /** Kinds that came since somebody was told last. */
  private readonly fresh = new Set<EventKind>();
  private telling: NodeJS.Timeout | undefined;
  private count = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** Number of the newest event; 0 when there is none. */
  get last(): number {
    return this.count;
  }

  add(event: NewEvent): void {
    const at = this.count % CAPACITY;
    this.count++;
    this.ring[at] = { ...event, seq: this.count, atMs: this.nowMs() };
    if (this.watchers.size === 0) return;
    this.fresh.add(event.kind);
    this.telling ??= setTimeout(() => this.tell(), TELL_AFTER_MS).unref();
  }

  /** Events above `seq` that pass, oldest first; those that left the ring are gone. */
  after(seq: number, limit: number, passes: (event: VillageEvent) => boolean): VillageEvent[] {
    const found: VillageEvent[] = [];
    for (let n = Math.max(seq, this.count - CAPACITY) + 1; n <= this.count && found.length < limit; n++) {
      const event = this.ring[(n - 1) % CAPACITY]!;
      if (passes(event)) found.push(event);
    }
    return found;
  }

  /** The last events that pass, oldest first. */
  newest(limit: number, passes: (event: VillageEvent) => boolean): VillageEvent[] {
    const found: VillageEvent[] = [];
    for (let n = this.count; n > Math.max(0, this.count - CAPACITY) && found.length < limit; n--) {
      const event = this.ring[(n - 1) % CAPACITY]!;
      if (passes(event)) found.push(event);
    }
    return found.reverse();
  }

  /** @param kinds hears of these alone, so that who waits for rare events is not woken by a thousand calls a second */
  watch(onEvents: () => void, kinds: readonly EventKind[] = EVENT_KINDS): () => void {
    const watcher: Watcher = { onEvents, kinds };
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
    };
  }

  private tell(): void {
    this.telling = undefined;
    const fresh = new Set(this.fresh);
    this.fresh.clear();
    for (const { onEvents, kinds } of this.watchers) if (kinds.some((kind) => fresh.has(kind))) onEvents();
  }
}

interface Watcher {
  readonly onEvents: () => void;
  readonly kinds: readonly EventKind[];
}
