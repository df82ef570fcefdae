/** What this machine has and how busy it is, measured by systeminformation, which is loaded when it is first asked. */
import os from 'node:os';

export interface Machine {
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly gpu: boolean;
}

export interface Busy {
  /** Share of the processors, 0 to 1. */
  readonly load: number;
  readonly memoryFreeGb: number;
}

const GB = 2 ** 30;

export async function measureMachine(): Promise<Machine> {
  const { default: si } = await import('systeminformation');
  const [memory, graphics] = await Promise.all([si.mem(), si.graphics()]);
  return {
    cpuCores: os.availableParallelism(),
    memoryGb: round(memory.total / GB),
    // A screen without memory of its own computes nothing.
    gpu: graphics.controllers.some(({ vram }) => (vram ?? 0) > 0),
  };
}

export async function measureBusy(): Promise<Busy> {
  const { default: si } = await import('systeminformation');
  const [load, memory] = await Promise.all([si.currentLoad(), si.mem()]);
  return { load: Math.min(1, Math.max(0, load.currentLoad / 100)), memoryFreeGb: round(memory.available / GB) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
