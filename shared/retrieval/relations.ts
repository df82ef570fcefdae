/**
 * Words by which English speaks of the same relation from its two ends or at another level: who asks for a grandmother is
 * led on by "daughter of". Only for judging what a sentence speaks of; a keyword search does not use them.
 */
import { termOf } from './terms.ts';

const RELATIONS = `
father mother parent son daughter child brother sister sibling stepfather stepmother stepson stepdaughter grandfather grandmother grandparent grandson granddaughter grandchild uncle aunt nephew niece cousin wife husband spouse widow consort marry marriage couple family
write author novel novelist book story
direct filmmaker film
sing perform performer song record album band musician singer
compose composer music score soundtrack
star actor actress cast role play character
found establish create start open launch
own owner subsidiary parent company
employ work professor teach
educate attend study graduate school university college alma
locate country state county province city town region capital
team club league player
publish publisher release distribute label
born native birth
die death bury burial
`;

const KINDS = new Map<string, number[]>();
for (const [kind, line] of RELATIONS.trim().split('\n').entries()) {
  for (const word of line.split(' ')) {
    const term = termOf(word);
    if (term !== undefined) KINDS.set(term, [...(KINDS.get(term) ?? []), kind]);
  }
}

/** The other terms of the relations that a term belongs to. */
export function relatedTerms(term: string): string[] {
  const kinds = KINDS.get(term);
  if (!kinds) return [];
  return [...KINDS]
    .filter(([other, of]) => other !== term && of.some((kind) => kinds.includes(kind)))
    .map(([other]) => other);
}
