/** How much harm a tool can do (R10), from what it says of itself, what its server may, and what was found in it. Pure. */
import type { SecurityProfile } from '../../shared/matrix/profile.ts';

/** What a call may set in motion, by the name of its argument. */
const POWERFUL =
  /^(?:command|cmd|script|code|sql|query|path|file|filename|url|uri|host|address|to|recipient|amount|expression)$/i;

export interface Risk {
  /** 0 = none that is known, 1 = all. */
  readonly score: number;
  readonly reasons: readonly string[];
}

/** @param definition parsed; hints that are absent count as the protocol says: may change and destroy, reaches the world */
export function riskOf(
  definition: Readonly<Record<string, unknown>>,
  level: SecurityProfile['risk_level'],
  findings: number,
): Risk {
  const hints = objectOf(definition.annotations);
  const reasons: [number, string][] = [];
  const add = (weight: number, why: string) => reasons.push([weight, why]);
  if (hints.readOnlyHint !== true) {
    add(0.2, 'may change something');
    if (hints.destructiveHint !== false) add(0.2, 'may take something away');
    if (hints.idempotentHint !== true) add(0.05, 'a second call does more');
  }
  if (hints.openWorldHint !== false) add(0.1, 'reaches beyond its server');
  const schema = objectOf(definition.inputSchema);
  const powerful = Object.keys(objectOf(schema.properties)).filter((name) => POWERFUL.test(name));
  if (powerful.length > 0) add(0.15, `takes ${powerful.slice(0, 5).join(', ')}`);
  if (schema.additionalProperties !== false) add(0.05, 'takes arguments that it does not name');
  const levels = { low: 0, medium: 0.1, high: 0.2, critical: 0.35 };
  if (level !== undefined && levels[level] > 0) add(levels[level], `its server has risk level ${level}`);
  if (findings > 0) add(0.3, 'its definition was suspicious');
  const sum = reasons.reduce((total, [weight]) => total + weight, 0);
  return { score: Math.round(Math.min(1, sum) * 100) / 100, reasons: reasons.map(([, why]) => why) };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
