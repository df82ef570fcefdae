/** How often the console asks, at most: what watching costs, for the page and for what measures it. */

/** Calls of now, while that page is open. A caller may make 100 requests a minute. */
export const CALLS_EVERY_MS = 2_000;
/** One chart of a monitored figure. */
export const FIGURES_EVERY_MS = 15_000;
/** The state of the emergency stop: by REST, which counts no call and writes no record. */
export const STOP_EVERY_MS = 3_000;
/** Calls in flight and the like, which tell of no changes. */
export const SERVERS_EVERY_MS = 15_000;
