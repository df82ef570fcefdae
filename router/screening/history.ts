/** What a session did just before, as far as it makes its next call more or less suspicious. Time comes in. */
import { WHOLE } from './features.ts';
import type { Reason } from './screen.ts';

const SECOND_MS = 1_000;
const SEQUENCE_MS = 10_000;
const PROBING_MS = 300_000;
const MAX_PROBES = 3;

export class History {
  private second = 0;
  private calls = 0;
  private sequenceFrom = 0;
  private readonly tools = new Set<string>();
  private probes: number[] = [];

  /** Counts a call. @returns what speaks against it, or undefined */
  next(tool: string, now: number): Reason[] | undefined {
    if (now - this.second >= SECOND_MS) {
      this.second = now;
      this.calls = 0;
    }
    this.calls++;
    if (now - this.sequenceFrom >= SEQUENCE_MS) {
      this.sequenceFrom = now;
      this.tools.clear();
    }
    this.tools.add(tool);
    if (this.calls <= WHOLE.burst.calls && this.tools.size <= WHOLE.sequence.tools && this.probes.length === 0)
      return undefined;
    this.probes = this.probes.filter((at) => now - at < PROBING_MS);
    const reasons: Reason[] = [];
    if (this.calls > WHOLE.burst.calls) reasons.push({ feature: 'burst', weight: WHOLE.burst.weight });
    if (this.tools.size > WHOLE.sequence.tools) reasons.push({ feature: 'sequence', weight: WHOLE.sequence.weight });
    if (this.probes.length > 0)
      reasons.push({ feature: 'probing', weight: Math.min(MAX_PROBES, this.probes.length) * WHOLE.probing.weight });
    return reasons.length === 0 ? undefined : reasons;
  }

  /** It looked suspicious. */
  suspicious(now: number): void {
    this.probes = [...this.probes.slice(-MAX_PROBES), now];
  }
}
