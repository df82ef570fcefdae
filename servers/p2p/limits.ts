/** The bounds of messages that tools, store and wire agree on. Imports nothing, so that a process without the node loads little. */

/** Links that a message may pass. */
export const MAX_HOPS = 7;
/** From when a message is made until nobody carries it any more. */
export const MAX_LIFETIME_MS = 7 * 24 * 3_600_000;
/** Of a message's JSON, before it is sealed. */
export const MAX_CONTENT_BYTES = 60_000;
/** Of a broadcast as it travels. */
export const MAX_BROADCAST_BYTES = 16_384;

/** Of broadcasts, the least urgent first. */
export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];
