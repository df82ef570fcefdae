import { expect, it } from 'vitest';
import { Corpus } from '../../../../shared/retrieval/corpus.ts';
import { Entities } from '../../../../shared/retrieval/entities.ts';
import { Lexical } from '../../../../shared/retrieval/lexical.ts';
import { Vocabulary } from '../../../../shared/retrieval/vocabulary.ts';

function open(...passages: [title: string, text: string][]) {
  const corpus = new Corpus(new Vocabulary());
  const lexical = new Lexical(corpus);
  const entities = new Entities(corpus);
  const settle = () => entities.settle((term, take) => lexical.forEach(term, take));
  const add = (title: string, text: string) => {
    const slot = corpus.add({ id: `p${corpus.size}`, title, text });
    lexical.add(slot);
    entities.add(slot);
    return slot;
  };
  const remove = (slot: number) => {
    lexical.remove(slot);
    entities.remove(slot);
    corpus.remove(slot);
  };
  for (const [title, text] of passages) add(title, text);
  settle();
  const names = (slot: number) => entities.mentions(slot).map(({ entity }) => entities.name(entity));
  const about = (slot: number, name: string) => {
    const mention = entities.mentions(slot).find(({ entity }) => entities.name(entity) === name);
    return mention && entities.about(mention.entity, 10);
  };
  return { entities, add, remove, settle, names, about };
}

it('[H4] links a title, a title without its brackets and one without its article', () => {
  const { names, about } = open(
    ['The Glass Harbour (novel)', 'A book.'],
    ['Critics', 'Many praised Glass Harbour, few read The Glass Harbour twice.'],
  );
  expect(names(1)).toEqual(['glass harbour', 'the glass harbour']);
  expect(about(1, 'glass harbour')).toEqual([0]);
});

it('[H4] takes the longest name where several begin', () => {
  const { names } = open(['Oslo', 'A city.'], ['Oslo Opera House', 'A house.'], ['', 'We saw the Oslo Opera House.']);
  expect(names(2)).toEqual(['oslo opera house']);
});

it('[H4] takes a run of capitals for a name once a second passage has it', () => {
  const index = open(['One', 'It was built by Vera Lindqvist in spring.']);
  expect(index.names(0)).toEqual([]);
  const second = index.add('Two', 'The tower of Vera Lindqvist.');
  index.settle();
  expect(index.names(0)).toEqual(['vera lindqvist']);
  index.remove(second);
  index.settle();
  expect(index.names(0)).toEqual([]);
});

it('[H4] links old passages when a name comes, and makes the shorter link again when it goes', () => {
  const index = open(['Oslo', 'A city.'], ['Trip', 'We saw the Oslo Opera House.']);
  expect(index.names(1)).toEqual(['oslo']);
  const house = index.add('Oslo Opera House', 'A house.');
  index.settle();
  expect(index.names(1)).toEqual(['oslo opera house']);
  index.remove(house);
  index.settle();
  expect(index.names(1)).toEqual(['oslo']);
});

it('[H4] marks a name that is only a part of a longer run of capitals', () => {
  const { entities } = open(['Peter', 'A king.'], ['Film', 'It was made by Peter Nobody. Then came Peter.']);
  expect(entities.mentions(1).map(({ partial }) => partial)).toEqual([true, false]);
});

it('[H4] takes the capitals at its beginning for what an untitled passage is about, and two words for three', () => {
  const { about } = open(['', 'Lambert Harwood Hillyer was a director.'], ['', 'A film by Lambert Hillyer.']);
  expect(about(1, 'lambert hillyer')).toEqual([0]);
});

it('[H4] makes no name of stop words alone', () => {
  const { names } = open(['It', 'A novel.'], ['', 'It was cold. They read It.']);
  expect(names(1)).toEqual([]);
});

it('[H4] tells the passages that hold a name, each once, and no more than asked for', () => {
  const { entities, names } = open(
    ['', 'We saw Tarn Hows, then Tarn Hows.'],
    ['', 'A walk to Tarn Hows.'],
    ['', 'We left Tarn Hows.'],
  );
  expect(names(0)).toEqual(['tarn hows', 'tarn hows']);
  const [mention] = entities.mentions(0);
  expect(entities.holders(mention!.entity, 3)).toEqual([0, 1, 2]);
  expect(entities.holders(mention!.entity, 2)).toBeUndefined();
});
