/**
 * A session between a node and the server over any ordered pipe of frames: greets, then carries signed messages both ways. A
 * message that was recorded is worth nothing later: both sides draw a number for each session, and messages count up.
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Frames } from '../../../shared/p2p/frames.ts';
import { LinkError, open, parseJson, type Signer, seal } from './envelope.ts';

/** The protocol's name between peers. */
export const PROTOCOL = '/aivillage/fog/1.0.0';
/** A result holds what a job printed, escaped. */
export const FRAME_LIMITS = { maxBytes: 8 * 1024 * 1024, timeoutMs: 30_000 } as const;

export interface Link<Out, In> {
  readonly remotePeerId: string;
  /** In order; what is said in one turn goes in one envelope. What cannot be sent ends the link. */
  send(message: Out): void;
  /** Messages until the link ends; what does not fit ends it. */
  messages(): AsyncIterable<In>;
  /** Ends it well, or at once when the other side does not answer. Never rejects. */
  close(): Promise<void>;
  abort(why: string): void;
}

export interface LinkOptions<In> {
  readonly frames: Frames;
  readonly signer: Signer;
  readonly remotePeerId: string;
  /** What the other side may say. */
  readonly incoming: z.ZodType<In>;
}

/** A side that does not answer is not waited for. */
const CLOSE_WITHIN_MS = 1_000;

/** Messages of one envelope, and characters after which it takes no more. */
const MAX_TOGETHER = 100;
const FULL = 256 * 1_024;

const nonce = z.string().regex(/^[\w-]{43}$/);
const helloSchema = z.strictObject({ hello: nonce });
const welcomeSchema = z.strictObject({ welcome: nonce, hello: nonce });

/** The node's side. @throws LinkError when the other side is not who it should be */
export async function greet<Out, In>(options: LinkOptions<In>): Promise<Link<Out, In>> {
  const { frames, signer, remotePeerId } = options;
  const hello = drawNonce();
  await frames.write(seal(signer, greeting(signer.peerId, remotePeerId), JSON.stringify({ hello })));
  const body = open(await readFrame(frames), greeting(remotePeerId, signer.peerId));
  const welcome = welcomeSchema.safeParse(parseJson(body));
  if (!welcome.success || welcome.data.hello !== hello) throw new LinkError('expected an answer to this greeting');
  return createLink(options, sessionOf(hello, welcome.data.welcome));
}

/** The server's side. Nothing is done for the node before its first message of this session. @throws LinkError */
export async function welcome<Out, In>(options: LinkOptions<In>): Promise<Link<Out, In>> {
  const { frames, signer, remotePeerId } = options;
  const body = open(await readFrame(frames), greeting(remotePeerId, signer.peerId));
  const hello = helloSchema.safeParse(parseJson(body));
  if (!hello.success) throw new LinkError('expected a greeting');
  const drawn = drawNonce();
  const answer = JSON.stringify({ welcome: drawn, hello: hello.data.hello });
  await frames.write(seal(signer, greeting(signer.peerId, remotePeerId), answer));
  return createLink(options, sessionOf(hello.data.hello, drawn));
}

function createLink<Out, In>(
  { frames, signer, remotePeerId, incoming }: LinkOptions<In>,
  session: string,
): Link<Out, In> {
  const envelope = z.array(incoming).min(1).max(MAX_TOGETHER);
  let sent = 0;
  let received = 0;
  let said: string[] = [];

  /** A signature, a frame and a write for each envelope, not for each message. */
  function flush(): void {
    const texts = said;
    said = [];
    for (let from = 0; from < texts.length; ) {
      let to = from + 1;
      let length = texts[from]!.length;
      while (to < texts.length && to - from < MAX_TOGETHER && length + texts[to]!.length <= FULL)
        length += texts[to++]!.length;
      post(`[${texts.slice(from, to).join()}]`);
      from = to;
    }
  }

  function post(body: string): void {
    sent++;
    const address = { from: signer.peerId, to: remotePeerId, session, sequence: sent };
    frames
      .write(seal(signer, address, body))
      .catch((error: unknown) => frames.abort(error instanceof Error ? error : new Error(String(error))));
  }

  return {
    remotePeerId,
    send(message) {
      said.push(JSON.stringify(message));
      if (said.length === 1) setImmediate(flush);
    },
    async *messages() {
      for (;;) {
        const frame = await frames.read();
        if (frame === undefined) return;
        received++;
        const body = open(frame, { from: remotePeerId, to: signer.peerId, session, sequence: received });
        const messages = envelope.safeParse(parseJson(body));
        if (!messages.success) throw new LinkError('expected messages of this version');
        yield* messages.data;
      }
    },
    async close() {
      flush();
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref());
      await Promise.race([frames.close(), late]).catch(() => undefined);
      frames.abort(new LinkError('closed'));
    },
    abort: (why) => frames.abort(new LinkError(why)),
  };
}

function greeting(from: string, to: string) {
  return { from, to, session: '', sequence: 0 };
}

async function readFrame(frames: Frames): Promise<Uint8Array> {
  const frame = await frames.read();
  if (frame === undefined) throw new LinkError('expected a greeting, and the stream ended');
  return frame;
}

function drawNonce(): string {
  return randomBytes(32).toString('base64url');
}

function sessionOf(hello: string, answer: string): string {
  return createHash('sha256').update(`${hello} ${answer}`).digest('base64url');
}
