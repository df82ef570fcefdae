import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrate,
  fitLogit,
  relevance,
  UNCORRECTED,
} from '../../../../servers/hyperrag/confidence.ts';
import { claimProbability, reliability, sigmoid } from '../../../../servers/hyperrag/trust.ts';
import { createRetriever } from '../../../../shared/retrieval/retriever.ts';
import { makeCorpus, random } from '../../../fixtures/hyperrag/corpus.ts';

/** Expected calibration error over ten bins of equal width. */
function calibrationError(judged: readonly { confidence: number; isRight: boolean }[]): number {
  const bins = Array.from({ length: 10 }, () => ({ confidence: 0, right: 0 }));
  for (const { confidence, isRight } of judged) {
    const bin = bins[Math.min(9, Math.floor(confidence * 10))]!;
    bin.confidence += confidence;
    bin.right += isRight ? 1 : 0;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / judged.length;
}

interface Judged {
  /** From 0, in its question's hits. */
  readonly rank: number;
  readonly logit: number;
  readonly fitted: boolean;
  readonly source: number;
  readonly isTrue: boolean;
}

/** The ten best hits of every question of a made village, whose documents are from sources of different worth. */
function askAll(seed: number, reliabilities: readonly number[]): Judged[] {
  const { documents, questions } = makeCorpus(900, seed);
  const next = random(seed + 1);
  const retriever = createRetriever();
  const claims = new Map(
    documents.map(({ id }) => {
      const source = Math.floor(next() * reliabilities.length);
      return [id, { source, isTrue: next() < reliabilities[source]! }];
    }),
  );
  // Every tenth document is missing: some questions have no answer.
  for (const [n, document] of documents.entries()) if (n % 10 !== 0) retriever.add(document);
  retriever.learn();
  return questions.flatMap(({ text, answers }) => {
    const hits = retriever.search(text, { limit: 10 });
    return hits.map((hit, at) => ({
      rank: at,
      logit: fitLogit(hits, at),
      fitted: answers.includes(hit.id),
      ...claims.get(hit.id)!,
    }));
  });
}

describe('confidence', () => {
  it('[H5] is calibrated to within 0.05 after feedback on other questions, relevance and truth together', () => {
    const worth = [0.98, 0.95, 0.9, 0.8, 0.6];
    const judged = askAll(11, worth);
    const seen = judged.filter((_, n) => Math.floor(n / 10) % 2 === 0);
    const unseen = judged.filter((_, n) => Math.floor(n / 10) % 2 === 1);
    const calibration = calibrate(seen.slice(0, 2_000));
    const sources = worth.map((_, source) => {
      return reliability(seen.filter((each) => each.source === source).map(({ isTrue }) => (isTrue ? 1 : 0)));
    });
    const truth = (source: number) =>
      claimProbability([{ source: `s${source}`, supports: true, reliability: sources[source]!.mean }]);
    const told = unseen.map(({ logit, fitted, source, isTrue }) => ({
      confidence: relevance(logit, calibration) * truth(source),
      isRight: fitted && isTrue,
    }));
    expect(told.length).toBeGreaterThan(3_000);
    expect(calibrationError(told)).toBeLessThanOrEqual(0.05);
  });

  it('[H5] is off by no more than 0.25 for second hits alone before feedback, and by 0.2 after it', () => {
    const judged = askAll(31, [1]);
    const errorOfSeconds = (calibration: Calibration, of: readonly Judged[]) =>
      calibrationError(
        of
          .filter(({ rank }) => rank === 1)
          .map(({ logit, fitted }) => ({ confidence: relevance(logit, calibration), isRight: fitted })),
      );
    expect(errorOfSeconds(UNCORRECTED, judged)).toBeLessThanOrEqual(0.25);
    const isSeen = (_: Judged, n: number) => Math.floor(n / 10) % 2 === 0;
    const calibration = calibrate(judged.filter(isSeen));
    expect(
      errorOfSeconds(
        calibration,
        judged.filter((each, n) => !isSeen(each, n)),
      ),
    ).toBeLessThanOrEqual(0.2);
  });

  it('[H5] is calibrated to within 0.05 on a village that nothing was fitted to, before any feedback', () => {
    const judged = askAll(23, [0.9]);
    const told = judged.map(({ logit, fitted, isTrue }) => ({
      confidence: relevance(logit, UNCORRECTED) * 0.9,
      isRight: fitted && isTrue,
    }));
    expect(calibrationError(told)).toBeLessThanOrEqual(0.05);
  });
});

describe('calibrate', () => {
  it('[H5] finds the line that made the judgements', () => {
    const next = random(5);
    const fits = Array.from({ length: 2_000 }, () => {
      const logit = next() * 12 - 6;
      return { logit, fitted: next() < sigmoid(0.5 * logit + 1) };
    });
    const { slope, shift } = calibrate(fits);
    expect(slope).toBeCloseTo(0.5, 1);
    expect(Math.abs(shift - 1)).toBeLessThan(0.2);
  });

  it('[H5] changes nothing without judgements, little with one, and never turns the order round', () => {
    expect(calibrate([])).toEqual(UNCORRECTED);
    const one = calibrate([{ logit: 2, fitted: false }]);
    expect(Math.abs(relevance(0, one) - 0.5)).toBeLessThan(0.2);
    const perverse = Array.from({ length: 500 }, (_, n) => ({ logit: n % 2 === 0 ? 5 : -5, fitted: n % 2 === 1 }));
    expect(calibrate(perverse).slope).toBeGreaterThan(0);
  });
});
