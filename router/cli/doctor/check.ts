/** What one check of `aivillage doctor` says. The same words as `system_diagnostics` uses. */

export type CheckStatus = 'ok' | 'warning' | 'problem';

export interface Check {
  readonly component: string;
  readonly status: CheckStatus;
  /** What was seen. */
  readonly finding: string;
  /** What to do about it; only beside a warning or a problem. */
  readonly remedy?: string;
}

export function ok(component: string, finding: string): Check {
  return { component, status: 'ok', finding };
}

export function warning(component: string, finding: string, remedy: string): Check {
  return { component, status: 'warning', finding, remedy };
}

export function problem(component: string, finding: string, remedy: string): Check {
  return { component, status: 'problem', finding, remedy };
}

/** The system's own name of an error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
