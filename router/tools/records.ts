/** What was done with each tool since the router started (R10): calls, errors, how long they took. Counts only; no caller and no argument. */

/** Upper bounds of the latency buckets, in milliseconds: each 1.5 times the one before. */
const BUCKETS = Array.from({ length: 32 }, (_, i) => 0.5 * 1.5 ** i);
const MAX_TOOLS = 20_000;

export interface ToolRecord {
  calls: number;
  /** The tool, or its server, said that it failed, or gave no answer. */
  errors: number;
  /** Refused before anything ran. */
  refused: number;
  /** Milliseconds since the epoch. */
  lastUsedAt: number;
  maxMs: number;
  readonly latencies: Uint32Array;
}

export class ToolRecords {
  private readonly byTool = new Map<string, ToolRecord>();

  note(serverId: string, tool: string, outcome: 'ok' | 'error' | 'refused', tookMs: number, now: number): void {
    const key = `${serverId}\0${tool}`;
    let record = this.byTool.get(key);
    if (record === undefined) {
      if (this.byTool.size >= MAX_TOOLS) return;
      record = { calls: 0, errors: 0, refused: 0, lastUsedAt: 0, maxMs: 0, latencies: new Uint32Array(BUCKETS.length) };
      this.byTool.set(key, record);
    }
    record.lastUsedAt = now;
    if (outcome === 'refused') {
      record.refused++;
      return;
    }
    record.calls++;
    if (outcome === 'error') record.errors++;
    if (tookMs > record.maxMs) record.maxMs = tookMs;
    let bucket = 0;
    while (bucket < BUCKETS.length - 1 && BUCKETS[bucket]! < tookMs) bucket++;
    record.latencies[bucket]!++;
  }

  get(serverId: string, tool: string): ToolRecord | undefined {
    return this.byTool.get(`${serverId}\0${tool}`);
  }
}

/** Milliseconds that so large a part of the calls took at most, up to a half too much; null before the first call. */
export function quantile({ calls, latencies, maxMs }: ToolRecord, part: number): number | null {
  if (calls === 0) return null;
  let seen = 0;
  for (const [i, count] of latencies.entries()) {
    seen += count;
    if (seen >= calls * part) return Math.round(Math.min(BUCKETS[i]!, maxMs) * 1_000) / 1_000;
  }
  return maxMs;
}
