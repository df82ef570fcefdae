/**
 * Reads this machine's CPU, memory, disks and network by systeminformation. The only file that knows that library; a figure
 * that the machine does not offer is null, never a guess.
 */

export interface CpuReading {
  readonly loadPercent: number | null;
  readonly userPercent: number | null;
  readonly systemPercent: number | null;
  /** Runnable processes, averaged over one minute. */
  readonly loadAverage1m: number | null;
  readonly cores: number;
  readonly temperatureCelsius: number | null;
}

export interface MemoryReading {
  readonly totalBytes: number;
  /** In use by programs: without caches that can be given back. */
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
  /** What a container may use, where one sets a limit. */
  readonly limitBytes: number | null;
}

export interface DiskReading {
  readonly filesystems: readonly {
    readonly mount: string;
    readonly type: string;
    readonly totalBytes: number;
    readonly usedBytes: number;
  }[];
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
}

export interface NetworkReading {
  readonly interfaces: readonly {
    readonly name: string;
    readonly isUp: boolean | null;
    readonly rxBytes: number;
    readonly txBytes: number;
    readonly rxErrors: number;
    readonly txErrors: number;
    readonly rxBytesPerSecond: number | null;
    readonly txBytesPerSecond: number | null;
  }[];
}

/** Everything at one moment. A part is null when it could not be read at all. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly cpu: CpuReading | null;
  readonly memory: MemoryReading | null;
  readonly disk: DiskReading | null;
  readonly network: NetworkReading | null;
}

/** One reading takes about 40 ms, the first one about 0.7 s. */
export type ReadMachine = () => Promise<Sample>;

type SystemInformation = typeof import('systeminformation');

/** Rates are differences between two readings that lie at least this far apart. */
const RATE_BASE_MS = 600;

/** A reader; the library is loaded, and the base of the rates taken, at its first call. */
export function machineReader(nowMs: () => number): ReadMachine {
  let library: Promise<SystemInformation> | undefined;
  return async () => {
    library ??= loadWithBase();
    const si = await library;
    const [cpu, memory, disk, network] = await Promise.all([
      readCpu(si),
      readMemory(si),
      readDisk(si),
      readNetwork(si),
    ]);
    return { atMs: nowMs(), cpu, memory, disk, network };
  };
}

async function loadWithBase(): Promise<SystemInformation> {
  const { default: si } = await import('systeminformation');
  await Promise.all([si.currentLoad(), si.fsStats(), si.networkStats('*')]);
  await new Promise((resolve) => setTimeout(resolve, RATE_BASE_MS));
  return si;
}

async function readCpu(si: SystemInformation): Promise<CpuReading | null> {
  const load = await attempt(si.currentLoad());
  const temperature = await attempt(si.cpuTemperature());
  if (load === null || load.cpus.length === 0) return null;
  return {
    loadPercent: percent(load.currentLoad),
    userPercent: percent(load.currentLoadUser),
    systemPercent: percent(load.currentLoadSystem),
    // The library gives it per core.
    loadAverage1m: amount(load.avgLoad * load.cpus.length),
    cores: load.cpus.length,
    temperatureCelsius: finite(temperature?.main),
  };
}

async function readMemory(si: SystemInformation): Promise<MemoryReading | null> {
  const memory = await attempt(si.mem());
  if (memory === null || !(memory.total > 0)) return null;
  const limit = process.constrainedMemory();
  return {
    totalBytes: memory.total,
    usedBytes: Math.max(0, memory.total - memory.available),
    availableBytes: memory.available,
    swapTotalBytes: memory.swaptotal,
    swapUsedBytes: memory.swapused,
    // Without a limit Node reports none, or one larger than any machine.
    limitBytes: limit > 0 && limit < memory.total ? limit : null,
  };
}

async function readDisk(si: SystemInformation): Promise<DiskReading | null> {
  const [filesystems, rates] = await Promise.all([attempt(si.fsSize()), attempt(si.fsStats())]);
  if (filesystems === null) return null;
  return {
    filesystems: filesystems
      .filter(({ size }) => size > 0)
      .map(({ mount, type, size, used }) => ({ mount, type, totalBytes: size, usedBytes: Math.min(used, size) })),
    readBytesPerSecond: amount(rates?.rx_sec),
    writeBytesPerSecond: amount(rates?.wx_sec),
  };
}

async function readNetwork(si: SystemInformation): Promise<NetworkReading | null> {
  const interfaces = await attempt(si.networkStats('*'));
  if (interfaces === null) return null;
  return {
    interfaces: interfaces.map((one) => ({
      name: one.iface,
      isUp: one.operstate === 'up' ? true : one.operstate === 'down' ? false : null,
      rxBytes: one.rx_bytes,
      txBytes: one.tx_bytes,
      rxErrors: one.rx_errors,
      txErrors: one.tx_errors,
      rxBytesPerSecond: amount(one.rx_sec),
      txBytesPerSecond: amount(one.tx_sec),
    })),
  };
}

/** What the machine does not offer makes this library reject, or answer nothing. */
async function attempt<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return (await reading) ?? null;
  } catch {
    return null;
  }
}

function finite(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null;
}

/** The library marks what it does not know by null, NaN or a negative number. */
function amount(value: number | null | undefined): number | null {
  const known = finite(value);
  return known !== null && known >= 0 ? known : null;
}

function percent(value: number): number | null {
  const known = finite(value);
  return known === null ? null : Math.min(100, Math.max(0, known));
}
