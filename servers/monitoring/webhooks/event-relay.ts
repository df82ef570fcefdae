/** Passes the village's events on to the webhooks that want them; asks the router for them only while somebody does. */
import { z } from 'zod';
import type { RouterClient } from '../../../shared/client/router-client.ts';
import type { Log } from '../../../shared/log.ts';
import { TOPICS, type Webhooks } from './webhooks.ts';

const EVENTS = 'village://events';
const EVENT_TOPICS = TOPICS.filter((topic) => topic !== 'alert');

const pageSchema = z.object({
  events: z.array(z.looseObject({ seq: z.int(), kind: z.string() })),
  last: z.int().nonnegative(),
});

/** @returns how to stop */
export function relayEvents(client: RouterClient, webhooks: Webhooks, log: Log): () => void {
  let stop: (() => void) | undefined;
  /** Number of the last event that was passed on; undefined before the first reading, which only begins. */
  let after: number | undefined;
  let reading = false;
  let again = false;

  async function read(): Promise<void> {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      do {
        again = false;
        await readOnce();
      } while (again);
    } catch (cause) {
      log.warn({ cause }, 'the events of the router could not be read; the next update tries again');
    } finally {
      reading = false;
    }
  }

  async function readOnce(): Promise<void> {
    if (after === undefined) {
      after = pageSchema.parse(await client.read(EVENTS)).last;
      return;
    }
    for (;;) {
      const { events, last } = pageSchema.parse(await client.read(`${EVENTS}/${after}`));
      // A router that began anew counts from one again.
      if (last < after) after = 0;
      for (const event of events) {
        after = event.seq;
        const topic = EVENT_TOPICS.find((each) => each === event.kind);
        if (topic !== undefined) webhooks.tell(topic, { event });
      }
      if (events.length === 0) return;
    }
  }

  function adjust(): void {
    const isWanted = EVENT_TOPICS.some((topic) => webhooks.wants(topic));
    if (isWanted === (stop !== undefined)) return;
    if (isWanted) stop = client.subscribe(EVENTS, () => void read());
    else {
      stop?.();
      stop = undefined;
      after = undefined;
    }
  }

  webhooks.onChange(adjust);
  adjust();
  return () => stop?.();
}
