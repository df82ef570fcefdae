/**
 * Who is refused for its number waits for the answer: a flood then costs as many refusals as it has connections, four times a
 * second, and not as many as it can send (R01).
 */

const HELD_MS = 250;

/** Resolves when the refusal may be told. */
export function held(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, HELD_MS));
}
