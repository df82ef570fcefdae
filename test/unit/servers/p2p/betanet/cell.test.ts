/** Cells: always one size, cut the same whatever the pieces they come in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CELL,
  CELL_BYTES,
  CellReader,
  decodeCell,
  encodeCell,
  requireZeros,
} from '../../../../../servers/p2p/betanet/cell.ts';

const types = fc.constantFrom('create', 'created', 'relay', 'destroy');

describe('a cell', () => {
  it('[N4] has 1,024 bytes whatever it carries, and says again what was put in', () => {
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: CELL_BYTES - 1 }), (type, content) => {
        const cell = encodeCell(type, content);
        expect(cell).toHaveLength(CELL_BYTES);
        const { type: read, body } = decodeCell(cell);
        expect(read).toBe(type);
        expect(body.subarray(0, content.length)).toEqual(Buffer.from(content));
        requireZeros(body.subarray(content.length));
      }),
    );
    expect(() => encodeCell('relay', Buffer.alloc(CELL_BYTES))).toThrow('a cell holds 1023 bytes');
  });

  it('[N4] of an unknown type is refused', () => {
    const known = new Set<number>(Object.values(CELL));
    for (let type = 0; type < 256; type++) {
      const cell = Buffer.alloc(CELL_BYTES);
      cell[0] = type;
      if (known.has(type)) expect(decodeCell(cell).body).toHaveLength(CELL_BYTES - 1);
      else expect(() => decodeCell(cell)).toThrow('type 1 to 4');
    }
  });

  it('[N4] comes out whole and in order, however the stream was cut', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lengths, fc.nat(), (cuts, seed) => {
        const total = cuts.reduce((a, b) => a + b, 0);
        const bytes = Buffer.from(Array.from({ length: total }, (_, i) => (i * 31 + seed) & 0xff));
        const reader = new CellReader();
        const cells: Buffer[] = [];
        let at = 0;
        for (const length of cuts) {
          for (const cell of reader.read(bytes.subarray(at, at + length))) cells.push(Buffer.from(cell));
          at += length;
          expect(reader.held).toBe(at % CELL_BYTES);
        }
        expect(Buffer.concat(cells)).toEqual(bytes.subarray(0, total - (total % CELL_BYTES)));
      }),
      { numRuns: 50 },
    );
  });
});
