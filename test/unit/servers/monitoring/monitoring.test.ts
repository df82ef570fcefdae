import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  currentSchema,
  METRICS,
  notesOn,
  pointSchema,
  toCurrent,
  toPoint,
  totalsOf,
} from '../../../../servers/monitoring/figures.ts';
import { judge } from '../../../../servers/monitoring/health.ts';
import { machineReader, type Sample } from '../../../../servers/monitoring/machine.ts';
import { Sampler } from '../../../../servers/monitoring/sampler.ts';

const GIB = 2 ** 30;

function sample(atMs: number, more: Partial<Sample> = {}): Sample {
  return {
    atMs,
    cpu: {
      loadPercent: 12.345,
      userPercent: 10,
      systemPercent: 2,
      loadAverage1m: 0.5,
      cores: 2,
      temperatureCelsius: null,
    },
    memory: {
      totalBytes: 8 * GIB,
      usedBytes: 2 * GIB,
      availableBytes: 6 * GIB,
      swapTotalBytes: 0,
      swapUsedBytes: 0,
      limitBytes: null,
    },
    disk: {
      filesystems: [{ mount: '/', type: 'ext4', totalBytes: 100 * GIB, usedBytes: 50 * GIB }],
      readBytesPerSecond: null,
      writeBytesPerSecond: null,
    },
    network: {
      interfaces: [networkInterface('lo', 1_000), networkInterface('eth0', 10), networkInterface('eth1', 20)],
    },
    ...more,
  };
}

function networkInterface(name: string, bytesPerSecond: number | null) {
  const rates = { rxBytesPerSecond: bytesPerSecond, txBytesPerSecond: bytesPerSecond };
  return { name, isUp: true, rxBytes: 5, txBytes: 6, rxErrors: 0, txErrors: 0, ...rates };
}

const NOTHING: Sample = { atMs: 0, cpu: null, memory: null, disk: null, network: null };

describe('the figures', () => {
  it('[O1] hold what was asked for and nothing else, with units in the names', () => {
    expect(toCurrent(sample(0), ['cpu', 'memory'], null)).toEqual({
      sampled_at: '1970-01-01T00:00:00.000Z',
      cpu: {
        load_percent: 12.35,
        user_percent: 10,
        system_percent: 2,
        load_average_1m: 0.5,
        cores: 2,
        temperature_celsius: null,
      },
      memory: {
        total_bytes: 8 * GIB,
        used_bytes: 2 * GIB,
        used_percent: 25,
        available_bytes: 6 * GIB,
        swap_total_bytes: 0,
        swap_used_bytes: 0,
        limit_bytes: null,
      },
    });
  });

  it('[O1] add up the interfaces without the loopback, and say null where nothing is known', () => {
    expect(totalsOf(sample(0))).toMatchObject({
      'network.rx_bytes_per_second': 30,
      'network.tx_bytes_per_second': 30,
      'disk.read_bytes_per_second': null,
    });
  });

  it('[O1] make a point of the series of a moment, with what is missing as null', () => {
    const values = new Map([
      ['cpu.load_percent', 12.345],
      ['process.router.cpu_percent', 3],
      ['process.router.rss_bytes', 1_000],
    ]);
    expect(pointSchema.parse(toPoint({ atMs: 0, values }, ['cpu', 'memory', 'processes']))).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      cpu: { load_percent: 12.35 },
      memory: { used_bytes: null, used_percent: null },
      processes: [{ name: 'router', cpu_percent: 3, rss_bytes: 1_000 }],
    });
  });

  it('[O1] never invent: a machine that gives nothing has nulls, and a note for each', () => {
    const current = toCurrent(NOTHING, METRICS, null);
    expect(current).toMatchObject({ cpu: null, memory: null, disk: null, network: null });
    expect(notesOn(NOTHING, METRICS, null).map((note) => note.split(':')[0])).toEqual([...METRICS]);
  });

  it('[O1] note each figure that is missing', () => {
    const notes = notesOn(sample(0), METRICS, []);
    expect(notes.map((note) => note.split(/[:,]/)[0])).toEqual([
      'cpu.temperature_celsius',
      'memory.limit_bytes',
      'disk.read_bytes_per_second',
    ]);
    expect(notesOn(sample(0), ['network'], [])).toEqual([]);
  });
});

describe('the health', () => {
  const withDisk = (usedPercent: number) =>
    judge(
      sample(0, {
        disk: {
          filesystems: [{ mount: '/data', type: 'ext4', totalBytes: 1_000, usedBytes: usedPercent * 10 }],
          readBytesPerSecond: 0,
          writeBytesPerSecond: 0,
        },
      }),
    );

  it.each([
    [84, 'healthy'],
    [85, 'degraded'],
    [94.9, 'degraded'],
    [95, 'unhealthy'],
  ])('[O1] of a disk that is %d %% full is %s', (percent, status) => {
    expect(withDisk(percent).status).toBe(status);
  });

  it('[O1] names what is near its limit and what to do', () => {
    expect(withDisk(95).checks.at(-1)).toEqual({
      component: 'disk',
      status: 'unhealthy',
      finding: 'File system /data: 95 % in use',
      remedy: 'Delete or move files on this file system',
    });
  });

  it('[O1] says nothing of what is not known', () => {
    expect(judge(NOTHING)).toEqual({ status: 'healthy', checks: [] });
  });
});

describe('the sampler', () => {
  function make() {
    const state = { nowMs: 0, reads: 0 };
    const sampler = new Sampler({
      read: async () => {
        state.reads++;
        return sample(state.nowMs);
      },
      nowMs: () => state.nowMs,
      onFault: (cause) => {
        throw cause;
      },
    });
    return { state, sampler };
  }

  it('[O1] reads nothing before the first question, and once for many of them', async () => {
    const { state, sampler } = make();
    expect(state.reads).toBe(0);
    await Promise.all([sampler.current(), sampler.current()]);
    await sampler.current();
    expect(state.reads).toBe(1);
    state.nowMs = 1_000;
    await sampler.current();
    expect(state.reads).toBe(2);
    expect(sampler.latest?.atMs).toBe(1_000);
    sampler.close();
  });

  it('[O1] tells who watches of each sample, until they stop', async () => {
    const { state, sampler } = make();
    const seen: number[] = [];
    const stop = sampler.watch(({ atMs }) => seen.push(atMs));
    await sampler.current();
    stop();
    state.nowMs = 5_000;
    await sampler.current();
    expect(seen).toEqual([0]);
    sampler.close();
  });
});

describe('the machine', () => {
  it('[O1] is read for real: the figures are those of this computer', async () => {
    const read = machineReader(Date.now);
    const real = await read();
    const current: z.output<typeof currentSchema> = currentSchema.parse(toCurrent(real, METRICS, null));
    const { totalmem, cpus } = await import('node:os');
    expect(current.memory?.total_bytes).toBe(totalmem());
    expect(current.cpu?.cores).toBe(cpus().length);
    expect(current.cpu?.load_percent).toEqual(expect.any(Number));
    expect(current.network?.interfaces.map(({ name }) => name)).toContain('lo');
    expect(current.disk?.filesystems.length).toBeGreaterThan(0);
  });
});
