/** Owns what was said of claims and of hits: verdicts, from which trust follows, and fits, from which confidence is calibrated. */
import { type Calibration, calibrate } from '../confidence.ts';
import { claimProbability, type Reliability, reliability, type Voice } from '../trust.ts';
import type { Statement } from './documents.ts';
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
  readonly statedBy: readonly Statement[];
}

export interface Trust {
  /** The newest verdict of a witness on a claim counts. */
  judge(verdict: Verdict, now: number): void;
  reliabilityOf(namespace: string, source: string): Reliability;
  /** How likely each claim is true, from those who state it and those who judged it; in the order of the claims. */
  probabilities(claims: readonly Claim[]): number[];
  /** The evidence of a hit and whether it fitted the question, told by somebody of this namespace. */
  noteFit(namespace: string, question: string, claim: string, logit: number, fitted: boolean, now: number): void;
  calibrationOf(namespace: string): Calibration;
}

/** The newest of what was said that calibration looks at. */
const MOST_FITS = 2_000;
/** Reliabilities kept until the next verdict. */
const MOST_KEPT = 10_000;

export function createTrust(store: HyperragStore): Trust {
  const { db } = store;
  let calibrations = new Map<string, Calibration>();
  let calibratedAt = 0;

  let reliabilities = new Map<string, Reliability>();
  let reliableAt = 0;

  function reliabilityOf(namespace: string, source: string): Reliability {
    const newest = store.last('verdict');
    if (newest !== reliableAt || reliabilities.size > MOST_KEPT) {
      reliabilities = new Map();
      reliableAt = newest;
    }
    const key = `${namespace}\n${source}`;
    const known = reliabilities.get(key);
    if (known) return known;
    const claims = store.all(
      db
        .selectFrom('verdicts')
        .select((e) => e.fn.avg<number>('supports').as('share'))
        .where('namespace', '=', namespace)
        .where('source', '=', source)
        .where('witness', '!=', source)
        .groupBy('claim'),
    );
    const made = reliability(claims.map(({ share }) => share));
    reliabilities.set(key, made);
    return made;
  }

  /** Those who judged any of these claims, by claim. */
  function witnesses(
    claims: readonly Claim[],
  ): Map<string, { namespace: string; witness: string; supports: number }[]> {
    const byClaim = new Map<string, { namespace: string; witness: string; supports: number }[]>();
    if (claims.length === 0 || store.last('verdict') === 0) return byClaim;
    const rows = store.all(
      db
        .selectFrom('verdicts')
        .select(['claim', 'namespace', 'witness', 'supports'])
        .distinct()
        .where('namespace', 'in', [
          ...new Set(claims.flatMap(({ statedBy }) => statedBy.map((each) => each.namespace))),
        ])
        .where(
          'claim',
          'in',
          claims.map(({ digest }) => digest),
        ),
    );
    for (const { claim, ...judged } of rows) byClaim.set(claim, [...(byClaim.get(claim) ?? []), judged]);
    return byClaim;
  }

  return {
    judge({ namespace, claim, witness, source, supports }, at) {
      const said = { supports: supports ? 1 : 0, at };
      store.transaction(() => {
        store.take('verdict', 1);
        store.run(
          db
            .insertInto('verdicts')
            .values({ namespace, claim, witness, source, ...said })
            .onConflict((c) => c.columns(['namespace', 'claim', 'witness', 'source']).doUpdateSet(said)),
        );
      });
    },
    reliabilityOf,
    probabilities(claims) {
      const judged = witnesses(claims);
      return claims.map(({ digest, statedBy }) => {
        const voice = (namespace: string, source: string, supports: boolean): Voice => {
          return { source, supports, reliability: reliabilityOf(namespace, source).mean };
        };
        const stating = new Map(statedBy.map((each) => [each.source, each.namespace]));
        return claimProbability([
          ...statedBy.map(({ namespace, source }) => voice(namespace, source, true)),
          ...(judged.get(digest) ?? [])
            // A source is no witness to itself, and a verdict counts where the claim is read.
            .filter(({ namespace, witness }) => !stating.has(witness) && [...stating.values()].includes(namespace))
            .map(({ namespace, witness, supports }) => voice(namespace, witness, supports === 1)),
        ]);
      });
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
