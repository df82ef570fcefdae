/** Reads this machine for harvesting (systeminformation): load, power, time of day. Decides nothing. */
import os from 'node:os';
import type { DeviceReading } from './harvesting.ts';

export type ReadDevice = () => Promise<DeviceReading>;

/** @param nowMs the wall clock; its local time says the hour */
export function deviceReader(nowMs: () => number): ReadDevice {
  return async () => {
    const { default: machine } = await import('systeminformation');
    const [{ currentLoad }, battery] = await Promise.all([machine.currentLoad(), machine.battery()]);
    const time = new Date(nowMs());
    return {
      loadPercent: currentLoad,
      hasPower: !battery.hasBattery || battery.acConnected || battery.isCharging,
      minuteOfDay: time.getHours() * 60 + time.getMinutes(),
      atMs: nowMs(),
    };
  };
}

export interface DeviceSize {
  readonly cpuCores: number;
  readonly memoryMb: number;
}

/** What this machine has. */
export function deviceSize(): DeviceSize {
  return { cpuCores: os.availableParallelism(), memoryMb: Math.floor(os.totalmem() / 2 ** 20) };
}
