/** What is watched: one subscription for each resource, whoever listens; made again on each new connection. Reads nothing. */
import { failureOf } from '../shared/client/failure.ts';
import type { Attempts } from './attempts.ts';
import type { Events } from './events.ts';

export interface SubscriptionsOptions {
  readonly attempts: Attempts;
  readonly events: Events;
  /** Of one request. */
  readonly timeoutMs: number;
}

export class Subscriptions {
  private readonly options: SubscriptionsOptions;
  private readonly watched = new Map<string, Set<() => void>>();

  constructor(options: SubscriptionsOptions) {
    this.options = options;
  }

  get isEmpty(): boolean {
    return this.watched.size === 0;
  }

  /** @returns how to stop */
  add(uri: string, onUpdate: () => void): () => void {
    const isFirst = !this.watched.has(uri);
    const listeners = this.watched.get(uri) ?? new Set();
    this.watched.set(uri, listeners.add(onUpdate));
    if (isFirst) void this.watch(uri);
    return () => {
      listeners.delete(onUpdate);
      if (listeners.size > 0 || this.watched.get(uri) !== listeners) return;
      this.watched.delete(uri);
      const { attempts } = this.options;
      attempts
        .perform(this.work('resources/unsubscribe'), ({ client }) => client.unsubscribeResource({ uri }))
        .catch(() => undefined);
    };
  }

  /** On a new connection. */
  renew(): void {
    for (const uri of this.watched.keys()) void this.watch(uri);
  }

  /** An update came. */
  tell(uri: string): void {
    for (const onUpdate of this.watched.get(uri) ?? []) onUpdate();
  }

  clear(): void {
    this.watched.clear();
  }

  private async watch(uri: string): Promise<void> {
    const { attempts, events } = this.options;
    try {
      await attempts.perform(this.work('resources/subscribe'), ({ client }, timeout) =>
        client.subscribeResource({ uri }, { timeout }),
      );
      this.tell(uri);
    } catch (error) {
      const { reason } = failureOf(error).error;
      events.emit({ kind: 'lost', what: `subscription to ${uri}`, reason });
    }
  }

  private work(what: string) {
    return { what, isRepeatable: true, timeoutMs: this.options.timeoutMs };
  }
}
