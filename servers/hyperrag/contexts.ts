/**
 * What stays in a full context store (H6): how tokens are counted and which entries go first. Pure.
 */

/** Counts what a text costs a model. */
export interface TokenCounter {
  /** Told beside every count. */
  readonly method: string;
  count(text: string): Promise<number>;
}

export interface Weighed {
  readonly id: string;
  /** 1 … 10. */
  readonly priority: number;
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** After a day an entry is worth half. */
const HALF_LIFE_MS = 86_400_000;
/** An entry of so many tokens is worth half of a tiny one. */
const HALF_TOKENS = 8_192;

function retentionScore({ priority, tokens, updatedAt }: Weighed, now: number): number {
  const age = Math.max(0, now - updatedAt);
  return (priority * 2 ** (-age / HALF_LIFE_MS)) / (1 + tokens / HALF_TOKENS);
}

/** The entries that must go so that the rest fits, the least worth first; `keep` never goes. */
export function toPrune(entries: readonly Weighed[], maxTokens: number, now: number, keep: string): string[] {
  let total = entries.reduce((sum, { tokens }) => sum + tokens, 0);
  const worth = entries
    .filter(({ id }) => id !== keep)
    .map((entry) => ({ entry, score: retentionScore(entry, now) }))
    .sort((a, b) => a.score - b.score || a.entry.updatedAt - b.entry.updatedAt || (a.entry.id < b.entry.id ? -1 : 1));
  const gone: string[] = [];
  for (const { entry } of worth) {
    if (total <= maxTokens) break;
    total -= entry.tokens;
    gone.push(entry.id);
  }
  return gone;
}
