/** The tool `twin_export` (T7). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { print, type Row, rowsOf, SECTIONS } from '../export.ts';
import { count } from '../view.ts';

/** What one answer holds; the text of a result is there twice. */
const MOST_CHARACTERS = 16_000_000;
const PART_ROWS = 5_000;
const MEDIA_TYPES = { csv: 'text/csv', tsv: 'text/tab-separated-values', json: 'application/json' } as const;

export function twinExport({ twins }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_export',
    title: 'Take my data along',
    description:
      "Everything that the caller's own twin holds, as files: csv or tsv for a spreadsheet (UTF-8; texts that it would take for formulas " +
      'begin with an apostrophe), json exact. One file per section: facts, events, learnt patterns, consents, what was elevated, what was ' +
      `counted. A section with more than ${PART_ROWS} rows comes in parts: ask for it alone with part 1, 2, … until \`parts\` is reached. Save ` +
      'the texts as they are.',
    input: z.strictObject({
      format: z.enum(['csv', 'tsv', 'json']).default('json'),
      section: z.enum([...SECTIONS, 'all']).default('all'),
      part: z.int().min(1).max(100_000).default(1).describe('With one section only'),
    }),
    output: z.object({
      files: z
        .array(
          z.object({
            name: z.string().max(100),
            media_type: z.string().max(100),
            rows: count,
            part: count,
            parts: count,
            text: z.string().max(MOST_CHARACTERS),
          }),
        )
        .max(SECTIONS.length),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ format, section, part }, { caller }) {
      const wanted = section === 'all' ? SECTIONS : [section];
      if (section === 'all' && part > 1) {
        throw new AppError('INVALID_PARAMS', { text: 'A part is one of a section; name the section' });
      }
      const all = await twins.use(caller.agentId, (twin) => wanted.map((name) => rowsOf(twin, name)));
      const files = wanted.map((name, n) => {
        const rows: readonly Row[] = all?.[n] ?? [];
        const parts = Math.max(1, Math.ceil(rows.length / PART_ROWS));
        const shown = rows.slice((part - 1) * PART_ROWS, part * PART_ROWS);
        const number = parts > 1 ? `-${part}` : '';
        const file = { name: `twin-${name}${number}.${format}`, media_type: MEDIA_TYPES[format] };
        return { ...file, rows: shown.length, part, parts, text: print(shown, format) };
      });
      if (files.reduce((sum, { text }) => sum + text.length, 0) > MOST_CHARACTERS) {
        throw new AppError('RESULT_TOO_LARGE', {
          text: 'This is too much for one answer; ask for one section at a time',
        });
      }
      return { files };
    },
  });
}
