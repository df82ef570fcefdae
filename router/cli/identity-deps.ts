/** What the identity commands need from the composition root: settings read when a command runs, the audit, the terminal. */
import type { IdentityAudit } from '../../shared/identity/events.ts';
import { type Identity, type IdentitySettings, openIdentity } from '../../shared/identity/open-identity.ts';

export interface IdentityCliDeps {
  /** Called when a command runs, so that `--help` needs no settings. */
  settings(): Promise<IdentitySettings>;
  /** The audit of the data folder; what it rejects stops the command. */
  audit: IdentityAudit;
  readonly input: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(on: boolean): unknown };
  readonly output: NodeJS.WritableStream;
  /** For what is said beside the result. */
  readonly messages: NodeJS.WritableStream;
}

/** Runs `work` on the identity of the data folder and closes it. */
export async function withIdentity<T>(
  deps: IdentityCliDeps,
  work: (identity: Identity, settings: IdentitySettings) => Promise<T>,
): Promise<T> {
  const settings = await deps.settings();
  const identity = await openIdentity(settings);
  try {
    return await work(identity, settings);
  } finally {
    await identity.close();
  }
}
