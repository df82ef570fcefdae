/** The shape in which samples leave this server: snake_case, units in the names, bounds, notes on what is missing. */
import { z } from 'zod';
import type { Sample } from './machine.ts';

export const METRICS = ['cpu', 'memory', 'disk', 'network'] as const;
export type Metric = (typeof METRICS)[number];

export const metricSchema = z.enum(METRICS);
const timeSchema = z.iso.datetime().max(40);

const MAX_BYTES = Number.MAX_SAFE_INTEGER - 1;
/** Longest list of file systems or interfaces that is told. */
const MAX_PARTS = 64;
const MAX_NAME = 255;
const bytes = z.int().min(0).max(MAX_BYTES);
const rate = z.number().min(0).max(1e15).nullable();
const percent = z.number().min(0).max(100);
const label = z.string().max(MAX_NAME);

const cpuSchema = z.object({
  load_percent: percent.nullable(),
  user_percent: percent.nullable(),
  system_percent: percent.nullable(),
  load_average_1m: z.number().min(0).max(1e6).nullable(),
  cores: z.int().min(1).max(65_536),
  temperature_celsius: z.number().min(-273.15).max(1_000).nullable(),
});

const memorySchema = z.object({
  total_bytes: bytes,
  used_bytes: bytes,
  used_percent: percent,
  available_bytes: bytes,
  swap_total_bytes: bytes,
  swap_used_bytes: bytes,
  limit_bytes: bytes.nullable(),
});

const diskSchema = z.object({
  filesystems: z
    .array(z.object({ mount: label, type: label, total_bytes: bytes, used_bytes: bytes, used_percent: percent }))
    .max(MAX_PARTS),
  read_bytes_per_second: rate,
  write_bytes_per_second: rate,
});

const networkSchema = z.object({
  rx_bytes_per_second: rate,
  tx_bytes_per_second: rate,
  interfaces: z
    .array(
      z.object({
        name: label,
        is_up: z.boolean().nullable(),
        rx_bytes: bytes,
        tx_bytes: bytes,
        rx_errors: bytes,
        tx_errors: bytes,
        rx_bytes_per_second: rate,
        tx_bytes_per_second: rate,
      }),
    )
    .max(MAX_PARTS),
});

/** What was asked for; null where this machine offers none of it. */
export const currentSchema = z.object({
  sampled_at: timeSchema,
  cpu: cpuSchema.nullable().optional(),
  memory: memorySchema.nullable().optional(),
  disk: diskSchema.nullable().optional(),
  network: networkSchema.nullable().optional(),
});

/** One past moment: the few figures worth a curve. */
export const pointSchema = z.object({
  at: timeSchema,
  cpu: z.object({ load_percent: percent.nullable() }).optional(),
  memory: z.object({ used_bytes: bytes.nullable(), used_percent: percent.nullable() }).optional(),
  disk: z.object({ read_bytes_per_second: rate, write_bytes_per_second: rate }).optional(),
  network: z.object({ rx_bytes_per_second: rate, tx_bytes_per_second: rate }).optional(),
});

export const notesSchema = z.array(z.string().max(300)).max(32);

type Current = z.input<typeof currentSchema>;
type Point = z.input<typeof pointSchema>;

export function toCurrent(sample: Sample, metrics: readonly Metric[]): Current {
  const all = {
    cpu: cpuFigures(sample),
    memory: memoryFigures(sample),
    disk: diskFigures(sample),
    network: networkFigures(sample),
  };
  return { sampled_at: time(sample), ...pick(all, metrics) };
}

export function toPoint(sample: Sample, metrics: readonly Metric[]): Point {
  const memory = memoryFigures(sample);
  const all = {
    cpu: { load_percent: round(sample.cpu?.loadPercent) },
    memory: { used_bytes: memory?.used_bytes ?? null, used_percent: memory?.used_percent ?? null },
    disk: {
      read_bytes_per_second: round(sample.disk?.readBytesPerSecond),
      write_bytes_per_second: round(sample.disk?.writeBytesPerSecond),
    },
    network: networkTotals(sample),
  };
  return { at: time(sample), ...pick(all, metrics) };
}

/** One sentence for each figure that was asked for and that this machine does not give. */
export function notesOn(sample: Sample, metrics: readonly Metric[]): string[] {
  const notes: string[] = [];
  for (const metric of metrics) {
    if (sample[metric] === null) notes.push(`${metric}: this machine gives no readings`);
  }
  const asked = new Set(metrics);
  if (asked.has('cpu') && sample.cpu?.temperatureCelsius === null) {
    notes.push('cpu.temperature_celsius: this machine has no sensor that can be read');
  }
  if (asked.has('memory') && sample.memory?.limitBytes === null) {
    notes.push('memory.limit_bytes: no limit is set below the memory of the machine');
  }
  if (asked.has('disk') && sample.disk !== null && sample.disk.readBytesPerSecond === null) {
    notes.push('disk.read_bytes_per_second, disk.write_bytes_per_second: this machine counts no disk traffic');
  }
  if (asked.has('network') && sample.network?.interfaces.some((one) => one.rxBytesPerSecond === null)) {
    notes.push('network: an interface appeared just now; its rates need a second reading');
  }
  const parts = Math.max(sample.disk?.filesystems.length ?? 0, sample.network?.interfaces.length ?? 0);
  if (parts > MAX_PARTS) notes.push(`only the first ${MAX_PARTS} file systems and interfaces are listed`);
  return notes;
}

function cpuFigures({ cpu }: Sample): Current['cpu'] {
  return (
    cpu && {
      load_percent: round(cpu.loadPercent),
      user_percent: round(cpu.userPercent),
      system_percent: round(cpu.systemPercent),
      load_average_1m: round(cpu.loadAverage1m),
      cores: cpu.cores,
      temperature_celsius: round(cpu.temperatureCelsius),
    }
  );
}

function memoryFigures({ memory }: Sample): Current['memory'] {
  return (
    memory && {
      total_bytes: memory.totalBytes,
      used_bytes: memory.usedBytes,
      used_percent: share(memory.usedBytes, memory.totalBytes),
      available_bytes: memory.availableBytes,
      swap_total_bytes: memory.swapTotalBytes,
      swap_used_bytes: memory.swapUsedBytes,
      limit_bytes: memory.limitBytes,
    }
  );
}

function diskFigures({ disk }: Sample): Current['disk'] {
  return (
    disk && {
      filesystems: disk.filesystems.slice(0, MAX_PARTS).map((one) => ({
        mount: one.mount.slice(0, MAX_NAME),
        type: one.type.slice(0, MAX_NAME),
        total_bytes: one.totalBytes,
        used_bytes: one.usedBytes,
        used_percent: share(one.usedBytes, one.totalBytes),
      })),
      read_bytes_per_second: round(disk.readBytesPerSecond),
      write_bytes_per_second: round(disk.writeBytesPerSecond),
    }
  );
}

function networkFigures(sample: Sample): Current['network'] {
  return (
    sample.network && {
      ...networkTotals(sample),
      interfaces: sample.network.interfaces.slice(0, MAX_PARTS).map((one) => ({
        name: one.name.slice(0, MAX_NAME),
        is_up: one.isUp,
        rx_bytes: one.rxBytes,
        tx_bytes: one.txBytes,
        rx_errors: one.rxErrors,
        tx_errors: one.txErrors,
        rx_bytes_per_second: round(one.rxBytesPerSecond),
        tx_bytes_per_second: round(one.txBytesPerSecond),
      })),
    }
  );
}

/** Over all interfaces but the loopback, whose traffic never leaves the machine. */
function networkTotals({ network }: Sample): {
  rx_bytes_per_second: number | null;
  tx_bytes_per_second: number | null;
} {
  const outer = network?.interfaces.filter(({ name }) => !/^lo\d*$/.test(name)) ?? [];
  return {
    rx_bytes_per_second: sum(outer.map((one) => one.rxBytesPerSecond)),
    tx_bytes_per_second: sum(outer.map((one) => one.txBytesPerSecond)),
  };
}

/** Null when nothing is known; what is not known of one adds nothing. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : round(known.reduce((total, value) => total + value, 0));
}

function pick<T extends Record<Metric, unknown>>(all: T, metrics: readonly Metric[]): Partial<T> {
  const picked: Partial<T> = {};
  for (const metric of metrics) picked[metric] = all[metric];
  return picked;
}

function time({ atMs }: Sample): string {
  return new Date(atMs).toISOString();
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.round((10_000 * part) / whole) / 100) : 0;
}

function round<T extends number | null | undefined>(value: T): number | null {
  return value == null ? null : Math.round(value * 100) / 100;
}
