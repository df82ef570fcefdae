/** Judges a sample: is this machine near a limit, and what to do about it. Pure. */
import type { Sample } from './machine.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface HealthCheck {
  readonly component: 'cpu' | 'memory' | 'disk';
  readonly status: HealthStatus;
  readonly finding: string;
  readonly remedy: string | null;
}

export interface Health {
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
}

/** Percent in use from which a component counts as degraded, and as unhealthy. */
const LIMITS = { cpu: [85, 97], memory: [85, 95], disk: [85, 95] } as const;

const REMEDIES = {
  cpu: 'Find the busiest process, or move work to another machine',
  memory: 'Stop what is not needed, or add memory',
  disk: 'Delete or move files on this file system',
} as const;

/** Parts that the machine does not offer are left out: nothing is known of them. */
export function judge(sample: Sample): Health {
  const checks: HealthCheck[] = [];
  if (sample.cpu?.loadPercent != null) checks.push(check('cpu', sample.cpu.loadPercent, 'CPU'));
  if (sample.memory !== null) {
    checks.push(check('memory', (100 * sample.memory.usedBytes) / sample.memory.totalBytes, 'Memory'));
  }
  for (const { mount, usedBytes, totalBytes } of sample.disk?.filesystems ?? []) {
    checks.push(check('disk', (100 * usedBytes) / totalBytes, `File system ${mount}`));
  }
  const worst = (['unhealthy', 'degraded'] as const).find((status) => checks.some((one) => one.status === status));
  return { status: worst ?? 'healthy', checks };
}

function check(component: HealthCheck['component'], usedPercent: number, what: string): HealthCheck {
  const [degraded, unhealthy] = LIMITS[component];
  const status = usedPercent >= unhealthy ? 'unhealthy' : usedPercent >= degraded ? 'degraded' : 'healthy';
  return {
    component,
    status,
    finding: `${what}: ${Math.round(usedPercent)} % in use`,
    remedy: status === 'healthy' ? null : REMEDIES[component],
  };
}
