/** Owns what was said of claims and of hits: verdicts, from which trust follows, and fits, from which confidence is calibrated. */
import { type Calibration, calibrate } from '../confidence.ts';
import { claimProbability, type Reliability, reliability, type Voice } from '../trust.ts';
import type { HyperragStore } from './open.ts';

export interface Verdict {
  /** Where the claim is. */
  readonly namespace: string;
  /** The digest of its passage's text. */
  readonly claim: string;
  /** Who or what it speaks for: the source that stated the claim. */
  readonly source: string;
  /** Who or what judges it. */
  readonly witness: string;
  readonly supports: boolean;
}

export interface Claim {
  readonly digest: string;
  /** Those that state it, with where they do. */
  readonly statedBy: readonly { readonly namespace: string; readonly source: string }[];
}

export interface Trust {
  /** The newest verdict of a witness on a claim counts. */
  judge(verdict: Verdict, now: number): void;
  reliabilityOf(namespace: string, source: string): Reliability;
  /** How likely a claim is true, from those who state it and those who judged it. */
  probabilityOf(claim: Claim): number;
  /** The evidence of a hit and whether it fitted the question, told by somebody of this namespace. */
  noteFit(namespace: string, question: string, claim: string, logit: number, fitted: boolean, now: number): void;
  calibrationOf(namespace: string): Calibration;
}

/** The newest of what was said that calibration looks at. */
const MOST_FITS = 2_000;

export function createTrust(store: HyperragStore): Trust {
  const { db } = store;
  let calibrations = new Map<string, Calibration>();
  let calibratedAt = 0;

  function reliabilityOf(namespace: string, source: string): Reliability {
    const claims = store.all(
      db
        .selectFrom('verdicts')
        .select((e) => e.fn.avg<number>('supports').as('share'))
        .where('namespace', '=', namespace)
        .where('source', '=', source)
        .where('witness', '!=', source)
        .groupBy('claim'),
    );
    return reliability(claims.map(({ share }) => share));
  }

  return {
    judge({ namespace, claim, witness, source, supports }, at) {
      const said = { supports: supports ? 1 : 0, at };
      store.run(
        db
          .insertInto('verdicts')
          .values({ namespace, claim, witness, source, ...said })
          .onConflict((c) => c.columns(['namespace', 'claim', 'witness', 'source']).doUpdateSet(said)),
      );
    },
    reliabilityOf,
    probabilityOf({ digest, statedBy }) {
      const voices: Voice[] = statedBy.map(({ namespace, source }) => ({
        source,
        supports: true,
        reliability: reliabilityOf(namespace, source).mean,
      }));
      const stating = new Set(statedBy.map(({ source }) => source));
      const judged = store.all(
        db
          .selectFrom('verdicts')
          .select(['namespace', 'witness', 'supports'])
          .distinct()
          .where('claim', '=', digest)
          .where('namespace', 'in', [...new Set(statedBy.map(({ namespace }) => namespace))]),
      );
      for (const { namespace, witness, supports } of judged) {
        // A source is no witness to itself.
        if (stating.has(witness)) continue;
        voices.push({
          source: witness,
          supports: supports === 1,
          reliability: reliabilityOf(namespace, witness).mean,
        });
      }
      return claimProbability(voices);
    },
    noteFit(namespace, question, claim, logit, isFit, at) {
      const said = { logit, fitted: isFit ? 1 : 0, at };
      store.transaction(() => {
        store.take('fit', 1);
        store.run(
          db
            .insertInto('fits')
            .values({ namespace, question, claim, ...said })
            .onConflict((c) => c.columns(['namespace', 'question', 'claim']).doUpdateSet(said)),
        );
      });
    },
    calibrationOf(namespace) {
      const newest = store.last('fit');
      if (newest !== calibratedAt) {
        calibrations = new Map();
        calibratedAt = newest;
      }
      const known = calibrations.get(namespace);
      if (known) return known;
      const fits = store.all(
        db
          .selectFrom('fits')
          .select(['logit', 'fitted'])
          .where('namespace', '=', namespace)
          .orderBy('at', 'desc')
          .limit(MOST_FITS),
      );
      const made = calibrate(fits.map(({ logit, fitted }) => ({ logit, fitted: fitted === 1 })));
      calibrations.set(namespace, made);
      return made;
    },
  };
}
