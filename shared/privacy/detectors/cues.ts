/** Looks at what stands before or after a place: a word there can name what a number is. Bounded, so the work stays linear. */

const REACH = 40;

/** Whether one of the words stands within 40 characters before the place, in the same line. */
export function isAnnounced(text: string, start: number, cue: RegExp): boolean {
  const before = text.slice(Math.max(0, start - REACH), start);
  return cue.test(before.slice(before.lastIndexOf('\n') + 1));
}

export function isFollowedBy(text: string, end: number, cue: RegExp): boolean {
  return cue.test(text.slice(end, end + 16));
}
