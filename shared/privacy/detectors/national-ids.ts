/** Numbers that states give to persons: US, UK, Germany, France, Spain. A checksum decides where there is one, else form and cue. */
import type { Finding } from '../findings.ts';
import { passesDniCheck, passesDocumentCheck, passesNirCheck, passesSteuerIdCheck } from './checksums.ts';
import { isAnnounced } from './cues.ts';

interface Rule {
  readonly rule: string;
  /** Begins only where no letter or digit stands before; every repetition is bounded. */
  readonly form: RegExp;
  /** Letters in capitals, separators left out. */
  readonly isValid: (id: string) => boolean;
  /** Without one of these words before it, such a number is something else. */
  readonly needsCue?: RegExp;
  readonly confidence: number;
}

const SSN_CUE = /\b(?:ssn|social[ -]security|social|tax(?:payer)? id|itin)\b/i;
const CARD_CUE = /ausweis|\bperso\b|\bid(?:entity)?[ -]card/i;
const NIR_CUE = /s[eé]curit[eé] sociale|s[eé]cu\b|\bnir\b|\bnss\b|assur[eé]/i;

const isSsn = (id: string) => !/^(?:000|666|9)|^...00|0000$/.test(id);
const always = () => true;

const RULES: readonly Rule[] = [
  { rule: 'us_ssn', form: /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-]\d|\w)/g, isValid: isSsn, confidence: 0.93 },
  {
    rule: 'us_ssn_cued',
    form: /(?<![\w-])\d{3} ?\d{2} ?\d{4}(?![\w-])/g,
    isValid: isSsn,
    needsCue: SSN_CUE,
    confidence: 0.9,
  },
  {
    rule: 'uk_nino',
    form: /(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D](?!\w)/gi,
    isValid: always,
    confidence: 0.95,
  },
  {
    rule: 'de_steuer_id',
    form: /(?<![\w.,-])[1-9]\d(?:[ /]?\d{3}){3}(?![\w-]|[.,]\d)/g,
    isValid: passesSteuerIdCheck,
    confidence: 0.92,
  },
  {
    rule: 'de_personalausweis',
    form: /(?<![\w-])[LMNPRTVWXY][CFGHJKLMNPRTVWXYZ0-9]{8}\d(?:[D<])?(?![\w-])/g,
    isValid: (id) => passesDocumentCheck(id.slice(0, 10)) && /\d.*\d/.test(id),
    confidence: 0.9,
  },
  {
    rule: 'de_personalausweis_cued',
    form: /(?<![\w-])[LMNPRTVWXY][CFGHJKLMNPRTVWXYZ0-9]{8}(?![\w-])/g,
    isValid: (id) => /\d/.test(id),
    needsCue: CARD_CUE,
    confidence: 0.85,
  },
  {
    rule: 'fr_nir',
    form: /(?<![\w.,-])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}|2[ABab])[ .]?\d{3}[ .]?\d{3}[ .]?\d{2}(?![\w-])/g,
    isValid: passesNirCheck,
    confidence: 0.97,
  },
  {
    rule: 'fr_nir_cued',
    form: /(?<![\w.,-])[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[ABab]) ?\d{3} ?\d{3}(?! ?\d|[\w-])/g,
    isValid: always,
    needsCue: NIR_CUE,
    confidence: 0.88,
  },
  {
    rule: 'es_dni',
    form: /(?<![\w.,-])(?:\d{8}|\d{2}\.\d{3}\.\d{3})[ -]?[A-HJ-NP-TV-Z](?![\w-])/gi,
    isValid: passesDniCheck,
    confidence: 0.95,
  },
  {
    rule: 'es_nie',
    form: /(?<![\w-])[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?![\w-])/gi,
    isValid: passesDniCheck,
    confidence: 0.95,
  },
];

export function findNationalIds(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { rule, form, isValid, needsCue, confidence } of RULES) {
    form.lastIndex = 0;
    for (let match = form.exec(text); match !== null; match = form.exec(text)) {
      const id = match[0].replaceAll(/[ ./-]/g, '').toUpperCase();
      if (!isValid(id) || (needsCue !== undefined && !isAnnounced(text, match.index, needsCue))) continue;
      found.push({ kind: 'national_id', start: match.index, end: match.index + match[0].length, confidence, rule });
    }
  }
  return found;
}
