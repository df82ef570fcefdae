/** The tool `audio_analyze` (O4). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { CallContext } from '../../../shared/request.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { analyzeFile } from '../audio/analyze-file.ts';
import { type Figures, SILENCE_DBFS } from '../audio/meter.ts';
import { ENCODINGS, MAX_CHANNELS, type PcmFormat } from '../audio/pcm.ts';
import { MAX_SPANS, type Span } from '../audio/spans.ts';
import type { Arrival } from '../audio/streams.ts';
import type { MonitoringDeps } from '../deps.ts';

const GROUPS = ['quality', 'latency', 'errors'] as const;
const MAX_DATA = 8_000_000;

const formatSchema = z.strictObject({
  sample_rate: z.int().min(1_000).max(768_000),
  channels: z.int().min(1).max(MAX_CHANNELS),
  encoding: z
    .enum(ENCODINGS)
    .describe('Little-endian, channels interleaved: signed 16, 24, 32 bits, or float of 32, 64'),
});

const db = z.number().min(-1_000).max(1_000).nullable();
const seconds = z.number().min(0).max(1e9);
const count = z.int().min(0).max(1e15);
const spans = z.array(z.object({ start_seconds: seconds, end_seconds: seconds })).max(MAX_SPANS);

const output = z.object({
  duration_seconds: seconds,
  sample_rate: z.int().min(1).max(1e6),
  channels: z.int().min(1).max(MAX_CHANNELS),
  encoding: z.enum(ENCODINGS),
  quality: z
    .object({
      per_channel: z
        .array(
          z.object({
            rms_dbfs: db,
            peak_dbfs: db,
            true_peak_dbtp: db,
            dc_offset: z.number().min(-1e9).max(1e9),
            clips: count,
            clipped_samples: count,
          }),
        )
        .max(MAX_CHANNELS),
      noise_floor_dbfs: db,
      snr_db: db,
      silence_seconds: seconds,
      silences: spans,
    })
    .optional(),
  latency: z
    .object({
      first_sound_seconds: seconds.nullable(),
      pieces: count.nullable(),
      longest_gap_ms: z.number().min(0).max(1e12).nullable(),
      behind_ms: z.number().min(0).max(1e12).nullable(),
    })
    .optional(),
  errors: z
    .object({ drop_outs: count, drop_out_spans: spans, invalid_samples: count, truncated: z.boolean() })
    .optional(),
  open: z.boolean().describe('The stream goes on: the figures come with its last piece'),
  notes: z.array(z.string().max(300)).max(8),
});

export function audioAnalyze({ audioFolders, streams }: MonitoringDeps): Tool {
  return defineTool({
    name: 'audio_analyze',
    title: 'Analyse sound',
    description:
      'Measures the sound of a WAV file (PCM 16, 24, 32 bits or float, up to 8 channels), a raw PCM file, or a PCM stream that is sent ' +
      'piece by piece: levels, true peak, clipping, offset, noise floor, signal to noise, silence, drop-outs. Use it to judge a ' +
      'recording or a speech stream before it is used. Give `path`, or `stream_id` with `data`. Returns figures in groups: quality, ' +
      'latency, errors.',
    input: z.strictObject({
      path: z
        .string()
        .min(1)
        .max(4_096)
        .optional()
        .describe('A file in the folders that the owner opened (MONITORING_FOLDERS)'),
      stream_id: z.string().min(1).max(100).optional().describe('Your name for a stream of pieces'),
      data: z.string().max(MAX_DATA).optional().describe('The next piece of the stream: PCM in base64'),
      end: z.boolean().default(false).describe('This was the last piece: measure'),
      format: formatSchema
        .optional()
        .describe('Of raw PCM: with the first piece of a stream, or with a file that is no WAV'),
      metrics: z
        .array(z.enum(GROUPS))
        .min(1)
        .max(GROUPS.length)
        .optional()
        .describe('Which groups of figures; all by default'),
      silence_dbfs: z.number().min(-120).max(-20).default(SILENCE_DBFS).describe('What is quieter counts as silence'),
    }),
    output,
    // The pieces of a stream are kept until its end.
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler(args, context) {
      const { path, stream_id, metrics = GROUPS } = args;
      if ((path === undefined) === (stream_id === undefined))
        throw new AppError('INVALID_PARAMS', { text: 'Give either `path` or `stream_id`' });
      const raw = args.format && formatOf(args.format);
      if (path !== undefined) {
        const { figures, format, isTruncated } = await analyzeFile(path, {
          folders: audioFolders,
          raw,
          silenceDbfs: args.silence_dbfs,
          signal: context.signal,
          progress: (done, total) => context.progress(done, total),
        });
        return view(format, figures, undefined, isTruncated, metrics);
      }
      const piece = bytesOf(args.data);
      const { figures, format, arrival, seconds: soFar } = add(streams, context, stream_id!, raw, piece, args.end);
      if (figures !== undefined) return view(format, figures, arrival, false, metrics);
      return { ...shape(format, soFar), open: true, notes: ['send `end: true` with the last piece for the figures'] };
    },
  });
}

function add(
  streams: MonitoringDeps['streams'],
  { caller }: CallContext,
  id: string,
  format: PcmFormat | undefined,
  piece: Buffer,
  isLast: boolean,
) {
  return streams.add(caller.agentId, id, format, piece, isLast);
}

function formatOf({ sample_rate, channels, encoding }: z.output<typeof formatSchema>): PcmFormat {
  return { sampleRate: sample_rate, channels, encoding };
}

function bytesOf(data: string | undefined): Buffer {
  const bytes = Buffer.from(data ?? '', 'base64');
  if (data !== undefined && bytes.toString('base64') !== data)
    throw new AppError('INVALID_PARAMS', { text: '`data` is no base64 with padding' });
  return bytes;
}

function shape({ sampleRate, channels, encoding }: PcmFormat, durationSeconds: number) {
  return { duration_seconds: durationSeconds, sample_rate: sampleRate, channels, encoding };
}

function view(
  format: PcmFormat,
  figures: Figures,
  arrival: Arrival | undefined,
  isTruncated: boolean,
  groups: readonly (typeof GROUPS)[number][],
): z.input<typeof output> {
  const notes: string[] = [];
  if (figures.frames === 0) notes.push('there is no sound in it');
  else if (figures.noiseFloorDbfs === null) notes.push('nothing but digital silence');
  else if (figures.snrDb === null)
    notes.push('snr_db: nothing stands out of the noise; it needs pauses between the sounds');
  if (isTruncated) notes.push('the file ends before its header says; what is there was measured');
  return {
    ...shape(format, figures.seconds),
    ...(groups.includes('quality') && {
      quality: {
        per_channel: figures.channels.map((one) => ({
          rms_dbfs: round(one.rmsDbfs),
          peak_dbfs: round(one.peakDbfs),
          true_peak_dbtp: round(one.truePeakDbtp),
          dc_offset: one.dcOffset,
          clips: one.clips,
          clipped_samples: one.clippedSamples,
        })),
        noise_floor_dbfs: round(figures.noiseFloorDbfs),
        snr_db: round(figures.snrDb),
        silence_seconds: figures.silentSeconds,
        silences: figures.silences.map(spanView),
      },
    }),
    ...(groups.includes('latency') && {
      latency: {
        first_sound_seconds: figures.firstSoundSeconds,
        pieces: arrival?.pieces ?? null,
        longest_gap_ms: arrival?.longestGapMs ?? null,
        behind_ms: arrival?.behindMs ?? null,
      },
    }),
    ...(groups.includes('errors') && {
      errors: {
        drop_outs: figures.dropOutCount,
        drop_out_spans: figures.dropOuts.map(spanView),
        invalid_samples: figures.invalidSamples,
        truncated: isTruncated,
      },
    }),
    open: false,
    notes,
  };
}

function spanView({ startSeconds, endSeconds }: Span) {
  return { start_seconds: startSeconds, end_seconds: endSeconds };
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 100) / 100;
}
