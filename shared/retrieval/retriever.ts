/** prototype */
import { Corpus, type Passage } from './corpus.ts';
import { Entities } from './entities.ts';
import { expand, type Step } from './expansion.ts';
import { Lexical } from './lexical.ts';
import { Profiles } from './profile.ts';
import { massOf, readQuestion } from './question.ts';
import { TUNING, type Tuning } from './tuning.ts';
import { Vocabulary } from './vocabulary.ts';

export class Retriever {
  readonly corpus = new Corpus(new Vocabulary());
  readonly lexical = new Lexical(this.corpus);
  readonly entities = new Entities(this.corpus);
  add(p: Passage) { const s = this.corpus.add(p); this.lexical.add(s); this.entities.add(s); }
  settle() { this.entities.settle((term, take) => this.lexical.forEach(term, take)); }
  search(text: string, k: number, groups?: string[], tuning: Tuning = TUNING): { slot: number; score: number; step?: Step | undefined }[] {
    const { corpus, lexical, entities } = this;
    const scope = lexical.scope(groups ? new Set(groups.map((g) => corpus.groups.find(g))) : undefined);
    const question = readQuestion(text, corpus, lexical, entities, scope);
    if (question.mass === 0) return [];
    const profiles = new Profiles(corpus, lexical, question);
    let discounted = 0;
    const whole: { slots: number[]; own: number }[] = [];
    for (const { entity, own, words } of question.names) {
      if (words < 2 || own === 0) continue;
      const slots = new Set([...entities.about(entity), ...entities.namedIn(entity)]);
      if (slots.size > 500) continue;
      discounted |= own;
      whole.push({ slots: [...slots], own });
    }
    const terms = question.terms.map((t, bit) => ((discounted >>> bit) & 1) === 1 ? { ...t, weight: t.weight * tuning.fragment } : t);
    const scores = lexical.score(terms, scope);
    const first = new Map<number, number>();
    for (const slot of scores.touched) first.set(slot, scores.values[slot]! / question.mass);
    lexical.release(scores);
    for (const { slots, own } of whole) for (const slot of slots) if (lexical.isIn(scope, slot)) first.set(slot, (first.get(slot) ?? 0) + (1 - tuning.fragment) * profiles.score(slot, own) / question.mass);
    for (const { entity, bits } of question.names) {
      const slots = entities.about(entity).filter((s) => lexical.isIn(scope, s));
      const bonus = (tuning.titleFixed + (tuning.titleMass * massOf(question, bits)) / question.mass) / slots.length ** tuning.shareExponent;
      for (const slot of slots) first.set(slot, Math.max(tuning.titleFloor / slots.length ** tuning.shareExponent, (first.get(slot) ?? 0) + bonus));
    }
    if (tuning.neighbour > 0) {
      const plain = new Map(first);
      for (const [slot, score] of plain) for (const offset of [-1, 1]) {
        const other = corpus.neighbour(slot, offset);
        if (other >= 0 && plain.has(other)) first.set(other, first.get(other)! + tuning.neighbour * score);
      }
    }
    const ranked = [...first].map(([slot, score]) => ({ slot, score })).sort((a, b) => b.score - a.score || a.slot - b.slot);
    const steps = expand(ranked.slice(0, tuning.parents), question, profiles, this, tuning);
    const out = new Map<number, { slot: number; score: number; step?: Step | undefined }>(ranked.map((r) => [r.slot, r]));
    for (const step of steps.values()) {
      const old = out.get(step.slot);
      if (!old || step.score > old.score) out.set(step.slot, { slot: step.slot, score: step.score, step });
    }
    return [...out.values()].sort((a, b) => b.score - a.score || a.slot - b.slot).slice(0, k);
  }
}
