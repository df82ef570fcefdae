/** The last samples of this process, in memory and bounded: a ring. Knows no clock and takes no samples. */
import type { Sample } from './machine.ts';

export class History {
  private readonly ring: Sample[] = [];
  private readonly capacity: number;
  private next = 0;

  /** @param capacity samples kept; the oldest goes when another comes */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(sample: Sample): void {
    this.ring[this.next] = sample;
    this.next = (this.next + 1) % this.capacity;
  }

  get latest(): Sample | undefined {
    return this.ring.at(this.next - 1);
  }

  /** Samples taken at `sinceMs` or later, oldest first. */
  since(sinceMs: number): Sample[] {
    return [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)].filter(({ atMs }) => atMs >= sinceMs);
  }
}

/** Thins samples, oldest first, to the last one of each span of `intervalMs`. */
export function thin(samples: readonly Sample[], intervalMs: number): Sample[] {
  const last = new Map<number, Sample>();
  for (const sample of samples) last.set(Math.floor(sample.atMs / intervalMs), sample);
  return [...last.values()];
}
