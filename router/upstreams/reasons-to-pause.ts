/** Not reading from a server, for as long as anybody has a reason not to. */
import type { Flow } from './undelivered.ts';

/** @returns a way to pause and resume for one reason; the server is read again when none has any */
export function reasonsToPause(flow: Flow): () => Flow {
  let reasons = 0;
  return () => ({
    pause: () => {
      if (reasons++ === 0) flow.pause();
    },
    resume: () => {
      if (--reasons === 0) flow.resume();
    },
  });
}
