import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Analysed, analyzeFile } from '../../../../servers/monitoring/audio/analyze-file.ts';
import { type Figures, Meter, SILENCE_DBFS } from '../../../../servers/monitoring/audio/meter.ts';
import { ENCODINGS, type PcmFormat } from '../../../../servers/monitoring/audio/pcm.ts';
import { AudioStreams } from '../../../../servers/monitoring/audio/streams.ts';
import { amplitude, noise, pcm, type Signal, sine, wav, wavHeader } from '../../../fixtures/monitoring/sound.ts';

const RATE = 48_000;
const MONO: PcmFormat = { sampleRate: RATE, channels: 1, encoding: 's16' };

function measure(seconds: number, signal: Signal, format: PcmFormat = MONO): Figures {
  const meter = new Meter(format);
  const bytes = pcm(format, Math.round(seconds * format.sampleRate), signal);
  // In pieces that cut frames apart.
  for (let at = 0; at < bytes.length; at += 9_973) meter.add(bytes.subarray(at, at + 9_973));
  return meter.finish();
}

describe('levels', () => {
  it.each(ENCODINGS)('[O4] of a sine at -20 dB in %s are what mathematics says', (encoding) => {
    const { channels, seconds } = measure(1, sine(RATE, 997, amplitude(-20)), { ...MONO, encoding });
    expect(seconds).toBeCloseTo(1, 6);
    expect(channels[0]!.rmsDbfs).toBeCloseTo(-23.01, 1);
    expect(channels[0]!.peakDbfs).toBeCloseTo(-20, 1);
    expect(channels[0]!.dcOffset).toBeCloseTo(0, 3);
  });

  it('[O4] of eight channels are kept apart', () => {
    const format: PcmFormat = { sampleRate: RATE, channels: 8, encoding: 's24' };
    const { channels } = measure(
      0.5,
      (frame, channel) => sine(RATE, 997, amplitude(-6 * (channel + 1)))(frame, 0),
      format,
    );
    for (const [channel, { peakDbfs }] of channels.entries()) expect(peakDbfs).toBeCloseTo(-6 * (channel + 1), 1);
  });

  it('[O4] see the peak between the samples: a quarter of the rate at 45 degrees lies 3 dB higher', () => {
    const { channels } = measure(0.5, sine(RATE, RATE / 4, amplitude(-6), Math.PI / 4), { ...MONO, encoding: 'f32' });
    expect(channels[0]!.peakDbfs).toBeCloseTo(-9.03, 1);
    // BS.1770-4, Annex 2: four times oversampling may read up to 0.6 dB low, and no more than 0.3 high.
    expect(channels[0]!.truePeakDbtp).toBeGreaterThan(-6.7);
    expect(channels[0]!.truePeakDbtp).toBeLessThan(-5.7);
  });

  it('[O4] tell an offset', () => {
    const { channels } = measure(1, (frame, channel) => 0.1 + sine(RATE, 997, 0.2)(frame, channel));
    expect(channels[0]!.dcOffset).toBeCloseTo(0.1, 3);
  });

  it('[O4] count what is clipped: the samples of a sine at +6 dB that are over full scale', () => {
    const signal = sine(RATE, 100, amplitude(6));
    const { channels } = measure(1, signal);
    let over = 0;
    for (let frame = 0; frame < RATE; frame++) if (Math.abs(signal(frame, 0)) >= 1) over++;
    expect(channels[0]!.clips).toBe(200);
    expect(Math.abs(channels[0]!.clippedSamples - over) / over).toBeLessThan(0.01);
  });
});

describe('noise', () => {
  it('[O4] floor and distance are those that were mixed', () => {
    const hum = noise(amplitude(-60));
    const tone = sine(RATE, 997, amplitude(-17));
    const { noiseFloorDbfs, snrDb } = measure(
      4,
      (frame, channel) => hum(frame, channel) + (frame % RATE < RATE / 2 ? tone(frame, channel) : 0),
    );
    expect(Math.abs(noiseFloorDbfs! + 60)).toBeLessThan(0.5);
    expect(Math.abs(snrDb! - 40)).toBeLessThan(0.6);
  });

  it('[O4] a tone without pauses has no distance that could be told', () => {
    expect(measure(2, sine(RATE, 997, 0.5)).snrDb).toBeNull();
  });
});

describe('stretches', () => {
  it('[O4] silence is found where it is, to the millisecond', () => {
    const tone = sine(RATE, 997, 0.5);
    const { silences, silentSeconds, firstSoundSeconds, dropOutCount } = measure(3, (frame, channel) =>
      frame < RATE || (frame >= 1.5 * RATE && frame < 2.25 * RATE) ? 0 : tone(frame, channel),
    );
    expect(silences).toHaveLength(2);
    expect(silences[1]!.startSeconds).toBeCloseTo(1.5, 3);
    expect(silences[1]!.endSeconds).toBeCloseTo(2.25, 3);
    expect(silentSeconds).toBeCloseTo(1.75, 2);
    expect(firstSoundSeconds).toBeCloseTo(1, 3);
    expect(dropOutCount).toBe(0);
  });

  it('[O4] drop-outs are found, zeros and held values both, and pauses are none', () => {
    const tone = sine(RATE, 441, 0.5);
    const holes = [0.5, 1.2, 2.0] as const;
    const figures = measure(3, (frame, channel) => {
      const hole = holes.find((at) => frame >= at * RATE && frame < (at + 0.01) * RATE);
      if (hole === undefined) return tone(frame, channel);
      return hole === 2.0 ? 0.25 : 0;
    });
    expect(figures.dropOutCount).toBe(3);
    expect(figures.dropOuts.map(({ startSeconds }) => Math.round(startSeconds * 100) / 100)).toEqual([0.5, 1.2, 2]);
    expect(measure(1, (frame, channel) => (frame % 4_800 < 30 ? 0 : tone(frame, channel))).dropOutCount).toBe(0);
  });

  it('[O4] what is no number is counted and harms nothing', () => {
    const { invalidSamples, channels } = measure(
      0.1,
      (frame) => (frame % 100 === 0 ? Number.NaN : frame % 100 === 1 ? Infinity : 0.5),
      { ...MONO, encoding: 'f32' },
    );
    expect(invalidSamples).toBe(96);
    expect(channels[0]!.peakDbfs).toBeCloseTo(-6.02, 1);
  });

  it('[O4] no sound at all is told as such', () => {
    expect(measure(0, () => 0)).toMatchObject({
      frames: 0,
      channels: [{ rmsDbfs: null, peakDbfs: null }],
      noiseFloorDbfs: null,
    });
    expect(measure(1, () => 0)).toMatchObject({ silentSeconds: 1, firstSoundSeconds: null });
  });
});

describe('files', () => {
  let folder: string;
  let outside: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sound-'));
    outside = fs.mkdtempSync(path.join(os.tmpdir(), 'outside-'));
    fs.writeFileSync(
      path.join(outside, 'secret.wav'),
      wav(
        MONO,
        pcm(MONO, 100, () => 0),
      ),
    );
    fs.symlinkSync(path.join(outside, 'secret.wav'), path.join(folder, 'link.wav'));
  });
  afterAll(() => {
    for (const each of [folder, outside]) fs.rmSync(each, { recursive: true, force: true });
  });

  const analyse = (name: string, raw?: PcmFormat): Promise<Analysed> =>
    analyzeFile(name, {
      folders: [folder],
      raw,
      silenceDbfs: SILENCE_DBFS,
      signal: new AbortController().signal,
      progress: () => undefined,
    });
  const put = (name: string, bytes: Buffer) => fs.writeFileSync(path.join(folder, name), bytes);

  it('[O4] a WAV with other parts before its samples, and raw PCM, are read', async () => {
    const samples = pcm(MONO, RATE, sine(RATE, 997, 0.5));
    const plain = wav(MONO, samples);
    const list = Buffer.concat([Buffer.from('LIST\x05\0\0\0hello\0', 'latin1')]);
    put('a.wav', Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)]));
    put('a.raw', samples);
    const { figures, format } = await analyse('a.wav');
    expect(format).toEqual(MONO);
    expect(figures.channels[0]!.peakDbfs).toBeCloseTo(-6.02, 1);
    expect((await analyse('a.raw', MONO)).figures).toEqual(figures);
  });

  it('[O4] a file that ends too early is measured as far as it goes, and says so', async () => {
    put('short.wav', wav(MONO, pcm(MONO, RATE, sine(RATE, 997, 0.5))).subarray(0, 44 + RATE + 1));
    const { figures, isTruncated } = await analyse('short.wav');
    expect(isTruncated).toBe(true);
    expect(figures.seconds).toBeCloseTo(0.5, 3);
  });

  const good = wav(
    MONO,
    pcm(MONO, 100, () => 0),
  );
  const changed = (at: number, bytes: readonly number[]) => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  it.each([
    ['nothing', Buffer.alloc(0), 'does not begin'],
    ['something else', Buffer.from('ID3 this is no WAV file'), 'does not begin'],
    ['no parts', good.subarray(0, 12), 'ends before its format'],
    ['a format that is cut off', good.subarray(0, 26), 'format is cut off'],
    ['no samples', good.subarray(0, 36), 'has no samples'],
    ['samples before the format', Buffer.concat([good.subarray(0, 12), good.subarray(36)]), 'before their format'],
    ['no channels', changed(22, [0, 0]), '0 channels'],
    ['too many channels', changed(22, [200, 0]), '200 channels'],
    ['no rate', changed(24, [0, 0, 0, 0]), '0 Hz'],
    ['another form', changed(20, [85, 0]), 'form 85'],
    ['eight bits', changed(34, [8, 0]), '8 bits'],
    ['frames of another size', changed(32, [7, 0]), '7 bytes'],
  ])('[O4] a broken WAV with %s is refused with why', async (_, bytes, why) => {
    put('broken.wav', bytes);
    await expect(analyse('broken.wav')).rejects.toMatchObject({
      kind: 'INVALID_PARAMS',
      message: expect.stringContaining(why),
    });
  });

  it('[O4] only what lies in the open folders is read, links followed', async () => {
    for (const name of [path.join(outside, 'secret.wav'), '../secret.wav', 'link.wav', '/etc/passwd'])
      await expect(analyse(name)).rejects.toMatchObject({ message: expect.stringContaining('outside the folders') });
    await expect(analyse('absent.wav')).rejects.toMatchObject({ message: expect.stringContaining('no such file') });
    await expect(analyse('.')).rejects.toMatchObject({ message: expect.stringContaining('no file') });
  });

  it('[O4] four hours of sound are passed through without being held: a sparse file of 230 MB takes some MB', async () => {
    const slow: PcmFormat = { sampleRate: 8_000, channels: 1, encoding: 's16' };
    const bytes = 4 * 3_600 * 8_000 * 2;
    const file = path.join(folder, 'long.wav');
    fs.writeFileSync(file, wavHeader(slow, bytes));
    fs.truncateSync(file, 44 + bytes);
    const before = process.memoryUsage().rss;
    let highest = 0;
    const timer = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().rss);
    }, 20);
    const { figures } = await analyse('long.wav');
    clearInterval(timer);
    expect(figures.seconds).toBe(4 * 3_600);
    expect(figures.silentSeconds).toBe(4 * 3_600);
    expect((Math.max(highest, process.memoryUsage().rss) - before) / 1e6).toBeLessThan(100);
  }, 60_000);
});

describe('streams', () => {
  it('[O4] are measured piece by piece, each for its owner, with how late they came', () => {
    let now = 0;
    const streams = new AudioStreams(() => now);
    const whole = pcm(MONO, RATE, sine(RATE, 997, 0.5));
    const half = whole.length / 2 + 1;
    expect(streams.add('alice', 's', MONO, whole.subarray(0, half), false)).toMatchObject({ figures: undefined });
    expect(() => streams.add('bob', 's', undefined, whole, false)).toThrow('no such stream');
    expect(() => streams.add('alice', 's', { ...MONO, channels: 2 }, whole, false)).toThrow('another format');
    now = 900;
    const { figures, arrival } = streams.add('alice', 's', undefined, whole.subarray(half), true);
    expect(figures?.seconds).toBe(1);
    expect(figures?.channels[0]?.peakDbfs).toBeCloseTo(-6.02, 1);
    expect(arrival).toMatchObject({ pieces: 2, longestGapMs: 900 });
    expect(arrival.behindMs).toBeCloseTo(400, 0);
    expect(() => streams.add('alice', 's', undefined, whole, true)).toThrow('no such stream');
  });

  it('[O4] are bounded in number, and forgotten when nothing comes', () => {
    let now = 0;
    const streams = new AudioStreams(() => now);
    for (let n = 0; n < 32; n++) streams.add('alice', `s${n}`, MONO, Buffer.alloc(2), false);
    expect(() => streams.add('alice', 'more', MONO, Buffer.alloc(2), false)).toThrow('32 streams are open');
    now = 301_000;
    expect(() => streams.add('alice', 'more', MONO, Buffer.alloc(2), false)).not.toThrow();
  });
});
