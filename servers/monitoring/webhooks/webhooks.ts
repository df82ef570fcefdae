/**
 * Who is told by HTTP of alerts and events: the list in the store, and a queue that tries each delivery a few times. What
 * cannot be delivered is counted and dropped; nothing waits for it.
 */
import { z } from 'zod';
import { checkUrl } from '../../../shared/check-url.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { MonitoringStore } from '../store/open.ts';
import type { DeliverOptions, Delivery } from './deliver.ts';

export const TOPICS = [
  'alert',
  'tool_executed',
  'server_health_changed',
  'security_violation',
  'emergency_activated',
] as const;
export type Topic = (typeof TOPICS)[number];

const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  secret: z.string(),
  topics: z.array(z.enum(TOPICS)),
  by: z.string(),
});
export type Webhook = z.output<typeof webhookSchema>;

export interface WebhookState {
  readonly webhook: Webhook;
  readonly delivered: number;
  readonly dropped: number;
  /** Of the last attempt that failed; null when the last one went well. */
  readonly problem: string | null;
}

export interface WebhooksOptions extends DeliverOptions {
  readonly store: MonitoringStore;
  readonly deliver: (delivery: Delivery, options: DeliverOptions) => Promise<number>;
  /** A text that nobody can guess. */
  readonly newId: () => string;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly firstWaitMs?: number;
}

export const MAX_WEBHOOKS = 50;
const MAX_QUEUED = 1_000;
const ATTEMPTS = 4;
const FIRST_WAIT_MS = 1_000;

interface Counts {
  delivered: number;
  dropped: number;
  problem: string | null;
}

export class Webhooks {
  private readonly options: WebhooksOptions;
  private readonly listeners = new Set<() => void>();
  private readonly counts = new Map<string, Counts>();
  private readonly queues = new Map<string, { body: string; id: string }[]>();
  private readonly waits = new Set<NodeJS.Timeout>();
  private all: readonly Webhook[] = [];
  private isClosed = false;

  private constructor(options: WebhooksOptions) {
    this.options = options;
  }

  static async open(options: WebhooksOptions): Promise<Webhooks> {
    const webhooks = new Webhooks(options);
    await webhooks.load();
    return webhooks;
  }

  list(): WebhookState[] {
    return this.all.map((webhook) => ({ webhook, ...this.countsOf(webhook.id) }));
  }

  /** Whether anybody wants to hear of this. */
  wants(topic: Topic): boolean {
    return this.all.some(({ topics }) => topics.includes(topic));
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** @throws AppError SECURITY_VIOLATION when the URL may not be called, INVALID_PARAMS when there are too many */
  async add(webhook: Omit<Webhook, 'id' | 'secret'>): Promise<Webhook> {
    if (this.all.length >= MAX_WEBHOOKS)
      throw new AppError('INVALID_PARAMS', { text: `There are ${MAX_WEBHOOKS} webhooks already; remove one first` });
    await checkUrl(webhook.url, { allowPrivate: this.options.allowPrivate });
    const whole = { ...webhook, id: this.options.newId(), secret: this.options.newId() };
    await this.options.store.db
      .insertInto('webhooks')
      .values({ id: whole.id, data: JSON.stringify(whole) })
      .execute();
    await this.load();
    return whole;
  }

  async remove(id: string): Promise<void> {
    const { numDeletedRows } = await this.options.store.db
      .deleteFrom('webhooks')
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows === 0n)
      throw new AppError('INVALID_PARAMS', { text: `There is no webhook ${id}; action list_webhooks names all` });
    this.queues.delete(id);
    await this.load();
  }

  /** Queues it for everybody who wants to hear of the topic. */
  tell(topic: Topic, what: Readonly<Record<string, unknown>>): void {
    for (const { id, topics } of this.all) {
      if (!topics.includes(topic)) continue;
      const queue = this.queues.get(id) ?? [];
      if (queue.length >= MAX_QUEUED) {
        this.countsOf(id).dropped++;
        continue;
      }
      queue.push({
        id: this.options.newId(),
        body: JSON.stringify({ topic, at: new Date(this.options.nowMs()).toISOString(), ...what }),
      });
      if (this.queues.has(id)) continue;
      this.queues.set(id, queue);
      void this.work(id);
    }
  }

  close(): void {
    this.isClosed = true;
    for (const wait of this.waits) clearTimeout(wait);
  }

  private async work(webhookId: string): Promise<void> {
    for (let attempt = 1; !this.isClosed; ) {
      const webhook = this.all.find(({ id }) => id === webhookId);
      const next = this.queues.get(webhookId)?.[0];
      if (webhook === undefined || next === undefined) break;
      const problem = await this.attempt(webhook, next);
      const counts = this.countsOf(webhookId);
      counts.problem = problem ?? null;
      if (problem !== undefined && attempt < ATTEMPTS) {
        await this.wait((this.options.firstWaitMs ?? FIRST_WAIT_MS) * 2 ** (attempt - 1));
        attempt++;
        continue;
      }
      if (problem === undefined) counts.delivered++;
      else {
        counts.dropped++;
        this.options.log.warn({ webhook: webhookId, problem }, 'a webhook could not be delivered');
      }
      attempt = 1;
      this.queues.get(webhookId)?.shift();
    }
    this.queues.delete(webhookId);
  }

  /** @returns what went wrong, without the address */
  private async attempt(
    { url, secret }: Webhook,
    { body, id }: { body: string; id: string },
  ): Promise<string | undefined> {
    try {
      const status = await this.options.deliver({ url, secret, body, id }, this.options);
      return status >= 200 && status < 300 ? undefined : `it answered HTTP ${status}`;
    } catch (error) {
      return error instanceof AppError ? error.message : 'the connection failed';
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waits.delete(timer);
        resolve();
      }, ms).unref();
      this.waits.add(timer);
    });
  }

  private countsOf(id: string): Counts {
    const counts = this.counts.get(id) ?? { delivered: 0, dropped: 0, problem: null };
    this.counts.set(id, counts);
    return counts;
  }

  private async load(): Promise<void> {
    const rows = await this.options.store.db.selectFrom('webhooks').selectAll().orderBy('id').execute();
    this.all = rows.map(({ data }) => webhookSchema.parse(JSON.parse(data)));
    for (const listener of this.listeners) listener();
  }
}
