/** The waits of the demonstration: each has a limit and says what it waited for. Nothing here knows what is waited for. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/** For a step on a machine that is busy with something else. */
const STEP_MS = 60_000;
/** A caller may make 100 calls a minute. */
const LOOK_EVERY_MS = 800;
const END_MS = 15_000;

/** What `waited` gives. Throws with `what` when it is not there in time. */
export async function within<T>(what: string, waited: Promise<T>, limitMs = STEP_MS): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(late(what, limitMs))), limitMs);
  try {
    return await Promise.race([waited, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `look` finds, asked again and again. Throws with `what` when it finds nothing (undefined, null, '') in time. */
export async function soon<T>(what: string, look: () => Promise<T>, limitMs = STEP_MS): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await within(what, look(), limitMs);
    if (found !== undefined && found !== null && found !== '') return found;
    if (performance.now() > end) throw new Error(late(what, limitMs));
    await pause(LOOK_EVERY_MS);
  }
}

/** Ends a process, which may have ended by itself, as a user would; one that does not heed that, by force. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await within('a process to end', gone, END_MS).catch(async () => {
    child.kill('SIGKILL');
    await within('a process to end that was killed', gone, END_MS);
  });
}

function late(what: string, limitMs: number): string {
  return `The demonstration waited ${limitMs / 1_000} s for ${what}. Is the machine busy? Run it again, or ask: npx aivillage doctor`;
}
