/** A small corpus of our own for the tests: films, their directors, towns, and a conversation. */
import {
  createRetriever,
  type Passage,
  type Retriever,
  type RetrieverOptions,
} from '../../../../shared/retrieval/retriever.ts';

export const VILLAGE: readonly Passage[] = [
  {
    id: 'film',
    title: 'The Copper Lantern',
    text: 'The Copper Lantern is a 1961 drama film directed by Ilse Brandvold and starring Tomas Reyl. It was shot in winter.',
  },
  { id: 'director', title: 'Ilse Brandvold', text: 'Ilse Brandvold (1920 – 1988) was a director born in Haverly.' },
  { id: 'actor', title: 'Tomas Reyl', text: 'Tomas Reyl was an actor. He was born in Munn and played the violin.' },
  { id: 'town', title: 'Haverly', text: 'Haverly is a harbour town at the mouth of the Oste. It has 9,000 people.' },
  { id: 'other-film', title: 'The Silver Lantern', text: 'The Silver Lantern is a comedy film about a lamp seller.' },
  { id: 'munn', title: 'Munn', text: 'Munn lies in the hills. Its market is held on Sundays.' },
];

export const TALK: readonly Passage[] = [
  'Ana: Did you hear about the kiln?',
  'Bo: No, what happened to it?',
  'Ana: It cracked on Friday, so the vases are late.',
  'Bo: Then we eat from paper plates.',
  'Ana: And the parrot learnt a new word.',
].map((text, order) => ({
  id: `turn-${order}`,
  title: '9 May',
  text,
  group: 'talk',
  sequence: { id: 'talk', order },
}));

export function build(passages: readonly Passage[], options: RetrieverOptions = {}): Retriever {
  const retriever = createRetriever(options);
  for (const passage of passages) retriever.add(passage);
  return retriever;
}
