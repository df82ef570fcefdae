/** Finds personal data in a text and replaces it. Composes the detectors; keeps nothing of what it read. */
import { type Anonymised, anonymiseWith } from './anonymise.ts';
import { findCards, findIbans } from './detectors/account-numbers.ts';
import { findAddresses } from './detectors/addresses.ts';
import { findBirthDates } from './detectors/birth-dates.ts';
import { findEmails } from './detectors/email.ts';
import { findNationalIds } from './detectors/national-ids.ts';
import { findIpAddresses, findMacAddresses } from './detectors/network.ts';
import { findPersons } from './detectors/persons.ts';
import { findPhones, loadPhonePlans } from './detectors/phones.ts';
import { findSecrets, findSecretUrls } from './detectors/secrets.ts';
import { type Finding, resolveOverlaps } from './findings.ts';
import { fold } from './fold.ts';
import { loadLexicon } from './names/lexicon.ts';
import type { Pseudonyms } from './pseudonyms.ts';

export interface Privacy {
  /** What is personal, in order of the text, apart from each other. Less than a second for 1 MB. */
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
  const [isPhoneNumber, lexicon] = await Promise.all([loadPhonePlans(), loadLexicon()]);
  const detectors: readonly ((text: string) => Finding[])[] = [
    findSecretUrls,
    findSecrets,
    findEmails,
    findIbans,
    findCards,
    findNationalIds,
    findMacAddresses,
    findIpAddresses,
    (text) => findPhones(text, isPhoneNumber),
    findBirthDates,
    findAddresses,
    (text) => findPersons(text, lexicon),
  ];
  const scan = (text: string): Finding[] => {
    const folded = fold(text);
    const found = resolveOverlaps(detectors.flatMap((find) => find(folded.text)));
    return found.map((finding) => ({
      ...finding,
      start: folded.originOf(finding.start),
      end: folded.originOf(finding.end - 1) + 1,
    }));
  };
  return { scan, anonymise: (text, pseudonyms) => anonymiseWith(scan, text, pseudonyms) };
}
