/**
 * When a device may work for others: idle long enough, on power, in its hours. Pure but for what it remembers of the load;
 * reads no machine itself.
 */
import type { HarvestRules } from '../../../shared/economy-rules.ts';

/** One look at the device. */
export interface DeviceReading {
  /** Of all cores together. */
  readonly loadPercent: number;
  /** False on battery; true on mains, and for a machine without a battery. */
  readonly hasPower: boolean;
  /** Of the day, in local time. */
  readonly minuteOfDay: number;
  /** Milliseconds on a clock that does not go back. */
  readonly atMs: number;
}

export interface HarvestDecision {
  readonly mayHarvest: boolean;
  /** For people: the rule that decided. */
  readonly reason: string;
}

export interface IdleWatch {
  /** @param ownLoadPercent what the harvested work itself uses of the machine */
  decide(reading: DeviceReading, rules: HarvestRules, ownLoadPercent?: number): HarvestDecision;
}

export function createIdleWatch(): IdleWatch {
  let idleSince: number | undefined;
  return {
    decide(reading, rules, ownLoadPercent = 0) {
      const foreignLoad = Math.max(0, reading.loadPercent - ownLoadPercent);
      if (foreignLoad > rules.maxLoadPercent) idleSince = undefined;
      else idleSince ??= reading.atMs;
      if (rules.needsPower && !reading.hasPower) return no('the device runs on its battery');
      if (!isWithin(reading.minuteOfDay, rules.hours)) return no('it is outside the hours of harvesting');
      if (idleSince === undefined) {
        return no(`the load is ${Math.round(foreignLoad)} %, and idle is at most ${rules.maxLoadPercent} %`);
      }
      const idleMs = reading.atMs - idleSince;
      if (idleMs < rules.idleMs) {
        return no(`idle for ${minutes(idleMs)} of the ${minutes(rules.idleMs)} minutes that it takes`);
      }
      return { mayHarvest: true, reason: 'the device is idle, powered, and in its hours' };
    },
  };
}

function no(reason: string): HarvestDecision {
  return { mayHarvest: false, reason };
}

/** `from` included, `until` not; over midnight when `until` is not later. No hours: always. */
export function isWithin(minuteOfDay: number, hours: HarvestRules['hours']): boolean {
  if (hours.length === 0) return true;
  return hours.some(({ from, until }) =>
    from < until ? minuteOfDay >= from && minuteOfDay < until : minuteOfDay >= from || minuteOfDay < until,
  );
}

function minutes(ms: number): string {
  return (ms / 60_000).toFixed(1).replace(/\.0$/, '');
}
