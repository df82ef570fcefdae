/** What an embedder is, whichever makes the vectors (H9), and how the one that the owner chose is opened. */

/** As the owner chose it. */
export type EmbedderChoice =
  /** An OpenAI-compatible endpoint: `url` ends before `/embeddings`. */
  | { readonly kind: 'openai'; readonly url: string; readonly model: string; readonly key?: string | undefined }
  /** A folder with `tokenizer.json` and an ONNX model. */
  | { readonly kind: 'onnx'; readonly folder: string };

export interface EmbedOptions {
  readonly signal: AbortSignal;
  /** How often in all a batch is tried when trying again may help. */
  readonly attempts: number;
}

export interface Embedder {
  /** Tells its vectors from those of any other; shown to callers, so it names no host and no path. */
  readonly name: string;
  /** One vector a text, in their order, all of one length. @throws EmbedderError */
  embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** A sentence for the owner: what is wrong and what to do. */
export class EmbedderError extends Error {
  override readonly name = 'EmbedderError';
  /** Whether the same may work a little later, and when. */
  readonly retryAfterMs: number | undefined;
  readonly mayPass: boolean;

  constructor(message: string, { mayPass = false, retryAfterMs, ...options }: EmbedderFault = {}) {
    super(message, options);
    this.mayPass = mayPass;
    this.retryAfterMs = retryAfterMs;
  }
}

interface EmbedderFault extends ErrorOptions {
  readonly mayPass?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** @throws EmbedderError when it cannot be had */
export async function openEmbedder(choice: EmbedderChoice): Promise<Embedder> {
  if (choice.kind === 'openai') return (await import('./openai.ts')).createOpenAiEmbedder(choice);
  return (await import('./onnx.ts')).openOnnxEmbedder(choice.folder);
}

/** @throws EmbedderError unless there is one finite vector for each text, all of one length */
export function checkVectors(vectors: readonly Float32Array[], count: number): void {
  const [first] = vectors;
  if (vectors.length !== count) {
    throw new EmbedderError(`The embedder gave ${vectors.length} vectors for ${count} texts.`);
  }
  if (vectors.some((vector) => vector.length === 0 || vector.length !== first?.length)) {
    throw new EmbedderError('The embedder gave vectors of different lengths.');
  }
  if (vectors.some((vector) => !vector.every(Number.isFinite))) {
    throw new EmbedderError('The embedder gave a vector with numbers that are not finite.');
  }
}
