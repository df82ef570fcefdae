/**
 * Turns an index into octets and back: arrays of numbers as they lie in memory (little-endian), texts as JSON, a checksum. The
 * index lives on the loaded octets until it grows. A snapshot is a cache: what cannot be read is to be built anew.
 */
import { crc32 } from 'node:zlib';
import { Corpus, type SavedCorpus } from './corpus.ts';
import { Entities, type SavedEntities } from './entities.ts';
import type { Index } from './first-stage.ts';
import { Lexical, type SavedLexical } from './lexical.ts';
import { type SavedVectors, Vectors } from './vectors.ts';
import { type SavedVocabulary, Vocabulary } from './vocabulary.ts';

/** Raised when what is saved changes its form, or when words are cut or stemmed otherwise. */
const VERSION = 2;
/** "AVRX" read as a little-endian number. */
const MAGIC = 0x5852_5641;
/** Magic, version, checksum of all after it, octets of the table of contents. */
const HEADER_WORDS = 4;
const ALIGNMENT = 8;

/** Thrown for octets that are no snapshot of this version, or damaged. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

type Numbers = Uint32Array | Float32Array | Uint8Array;
const KINDS = { u32: Uint32Array, f32: Float32Array, u8: Uint8Array } as const;
type Kind = keyof typeof KINDS;

/** An array in the table of contents: its kind, where it begins after the table, and how many numbers it has. */
type Place = readonly [kind: Kind, offset: number, length: number];

interface Saved {
  readonly vocabulary: SavedVocabulary;
  readonly corpus: SavedCorpus;
  readonly lexical: SavedLexical;
  readonly entities: SavedEntities;
  readonly vectors: SavedVectors;
}

/** Only for an index without dead slots whose entities are settled. */
export function saveIndex({ corpus, lexical, entities, vectors }: Index): Uint8Array {
  const saved: Saved = {
    vocabulary: corpus.vocabulary.save(),
    corpus: corpus.save(),
    lexical: lexical.save(),
    entities: entities.save(),
    vectors: vectors.save(),
  };
  const arrays: Numbers[] = [];
  let offset = 0;
  const table = Buffer.from(
    JSON.stringify(saved, (_, value: unknown) => {
      if (!isNumbers(value)) return value;
      const place: Place = [kindOf(value), offset, value.length];
      offset = aligned(offset + value.byteLength);
      arrays.push(value);
      return { $: place };
    }),
  );
  const start = aligned(HEADER_WORDS * 4 + table.length);
  const octets = new Uint8Array(start + offset);
  octets.set(table, HEADER_WORDS * 4);
  let at = start;
  for (const array of arrays) {
    octets.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += aligned(array.byteLength);
  }
  const header = new Uint32Array(octets.buffer, 0, HEADER_WORDS);
  header.set([MAGIC, VERSION, crc32(octets.subarray(HEADER_WORDS * 4)), table.length]);
  return octets;
}

/** @throws SnapshotError */
export function loadIndex(octets: Uint8Array): Index {
  const saved = readSaved(octets);
  const corpus = new Corpus(new Vocabulary(saved.vocabulary), saved.corpus);
  const vectors = new Vectors(corpus);
  vectors.restore(saved.vectors);
  return {
    corpus,
    lexical: new Lexical(corpus, saved.lexical),
    entities: new Entities(corpus, saved.entities),
    vectors,
  };
}

function readSaved(octets: Uint8Array): Saved {
  const own = octets.byteOffset % ALIGNMENT === 0 ? octets : octets.slice();
  if (own.length < HEADER_WORDS * 4) throw new SnapshotError('no snapshot of an index: it is too short');
  const [magic, version, checksum, tableLength] = new Uint32Array(own.buffer, own.byteOffset, HEADER_WORDS);
  if (magic !== MAGIC) throw new SnapshotError('no snapshot of an index: it begins otherwise');
  if (version !== VERSION) {
    throw new SnapshotError(`the snapshot has version ${version}, this program reads ${VERSION}; build the index anew`);
  }
  if (crc32(own.subarray(HEADER_WORDS * 4)) !== checksum) {
    throw new SnapshotError('the snapshot is damaged: its checksum differs; build the index anew');
  }
  const start = aligned(HEADER_WORDS * 4 + tableLength!);
  const table = Buffer.from(own.buffer, own.byteOffset + HEADER_WORDS * 4, tableLength).toString('utf8');
  // The checksum holds, so this is what saveIndex of this version wrote.
  return JSON.parse(table, (_, value: unknown) => {
    if (!isReference(value)) return value;
    const [kind, offset, length] = value.$;
    return new KINDS[kind](own.buffer as ArrayBuffer, own.byteOffset + start + offset, length);
  }) as Saved;
}

function isNumbers(value: unknown): value is Numbers {
  return value instanceof Uint32Array || value instanceof Float32Array || value instanceof Uint8Array;
}

function isReference(value: unknown): value is { $: Place } {
  return typeof value === 'object' && value !== null && '$' in value;
}

function kindOf(array: Numbers): Kind {
  return array instanceof Uint32Array ? 'u32' : array instanceof Float32Array ? 'f32' : 'u8';
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
