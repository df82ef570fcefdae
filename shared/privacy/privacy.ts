/** Finds personal data in a text and replaces it. Composes the detectors; keeps nothing of what it read. */
import { type Anonymised, anonymiseWith } from './anonymise.ts';
import { findEmails } from './detectors/email.ts';
import { type Finding, resolveOverlaps } from './findings.ts';
import type { Pseudonyms } from './pseudonyms.ts';

export interface Privacy {
  /** What is personal, in order of the text, apart from each other. About a second for 1 MB at most. */
  readonly scan: (text: string) => Finding[];
  /** The text with a pseudonym in place of each finding: no detector fires on it. `findings` are places of the text as it came. */
  readonly anonymise: (text: string, pseudonyms: Pseudonyms) => Anonymised;
}

let opened: Promise<Privacy> | undefined;

/** Loads the dictionaries at the first call (about half a second); later calls share them. */
export function openPrivacy(): Promise<Privacy> {
  opened ??= compose();
  return opened;
}

async function compose(): Promise<Privacy> {
  const scan = (text: string) => resolveOverlaps(findEmails(text));
  return { scan, anonymise: (text, pseudonyms) => anonymiseWith(scan, text, pseudonyms) };
}
