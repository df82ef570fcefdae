/**
 * Prints what was counted as Prometheus text, by prom-client, which is loaded at the first scrape. Counting itself never
 * comes here: each family is read at scrape time. https://prometheus.io/docs/practices/naming/
 */
import type { MetricValueWithName } from 'prom-client';
import { BOUNDS_MS, type Durations } from './durations.ts';

export type Labels = Readonly<Record<string, string>>;

interface Named {
  /** In base units, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface Counted extends Named {
  readonly kind: 'counter' | 'gauge';
  read(): Iterable<readonly [Labels, number]>;
}

/** In seconds. */
export interface Timed extends Named {
  readonly kind: 'histogram';
  read(): Iterable<readonly [Labels, Durations]>;
}

export type Family = Counted | Timed;

export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Made once; `families` says what there is. */
export function openExposition(families: readonly Family[]): Exposition {
  let registry: Promise<import('prom-client').Registry> | undefined;
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    async text() {
      registry ??= makeRegistry(families);
      return (await registry).metrics();
    },
  };
}

async function makeRegistry(families: readonly Family[]): Promise<import('prom-client').Registry> {
  const { Counter, Gauge, Histogram, Registry } = await import('prom-client');
  const registry = new Registry();

  /** The library counts by itself; here its values are those that were counted before. */
  class FoldedHistogram extends Histogram<string> {
    readonly #family: Timed;
    constructor(family: Timed) {
      super({ name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] });
      this.#family = family;
    }
    /** What the library prints from; its types leave it out. */
    async getForPromString() {
      const { name, help } = this.#family;
      const values = [...this.#family.read()].flatMap(([labels, durations]) => valuesOf(name, labels, durations));
      return { name, help, type: 'histogram', values, aggregator: 'sum' };
    }
  }

  for (const family of families) {
    if (family.kind === 'histogram') {
      new FoldedHistogram(family);
      continue;
    }
    const options = { name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] };
    if (family.kind === 'counter') {
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of family.read()) this.inc(labels, value);
        },
      });
    } else {
      new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of family.read()) this.set(labels, value);
        },
      });
    }
  }
  return registry;
}

function valuesOf(name: string, labels: Labels, durations: Durations): MetricValueWithName<string>[] {
  let sum = 0;
  const values: MetricValueWithName<string>[] = BOUNDS_MS.map((bound, at) => {
    sum += durations.counts[at]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1_000 }, value: sum };
  });
  values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: durations.count });
  values.push({ metricName: `${name}_sum`, labels, value: durations.sumMs / 1_000 });
  values.push({ metricName: `${name}_count`, labels, value: durations.count });
  return values;
}
