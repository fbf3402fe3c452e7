import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { checkFeatures, type Features } from '../features/feature-vectors.ts';
import type { CaptionTokenizer } from './tokenizer.ts';

/** A network that turns token ids into embeddings. */
export interface TextTower {
  /** sha256 of the weights. */
  readonly weightsHash: string;
  /** Tokens of a text, T. */
  readonly context: number;
  /** Tokens that it knows, where the network tells. */
  readonly vocabulary?: number;
  /** Dimensions of the embedding, D. */
  readonly dimension: number;
  /** Most texts of one run. */
  readonly batchSize: number;
  /** `ids`: [N, T] int32, N at most `batchSize`; gives [N, D], not normalised. */
  run(ids: HostTensor): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Both towers of a CLIP, the space they share, and what makes ids of captions. */
export interface ClipTowers {
  /** Of the backbone, as it stands in every score's name: ViT-L/14. */
  readonly name: string;
  /** Gives embeddings that are not normalised. */
  readonly image: FeatureExtractor;
  readonly text: TextTower;
  readonly tokenizer: CaptionTokenizer;
}

/** @throws MetricsError empty-input without captions, or naming the first empty one */
export function checkCaptions(name: string, captions: readonly string[]): void {
  if (captions.length === 0) throw new MetricsError('empty-input', `${name}: expected at least one caption, got none`);
  const empty = captions.findIndex((caption) => caption.trim() === '');
  if (empty >= 0) throw new MetricsError('empty-input', `${name}: caption ${empty} of ${captions.length} is empty`, { index: empty });
}

/**
 * Embeddings [N, D] of captions, not normalised, and the indices of those that were cut to the context.
 * @throws MetricsError empty-input without captions, or naming the first empty one; invalid-shape when tokenizer and tower have different
 * contexts; invalid-file when they have different vocabularies; not-finite
 */
export async function embedCaptions(
  { name, text, tokenizer }: ClipTowers,
  captions: readonly string[],
): Promise<{ embeds: Features; truncated: number[] }> {
  checkCaptions(name, captions);
  if (tokenizer.context !== text.context)
    throw new MetricsError(
      'invalid-shape',
      `${name}: the tokenizer gives ${tokenizer.context} tokens, the text tower takes ${text.context}`,
      { tokenizer: tokenizer.context, tower: text.context },
    );
  if (text.vocabulary !== undefined && tokenizer.vocabulary !== undefined && tokenizer.vocabulary !== text.vocabulary)
    throw new MetricsError(
      'invalid-file',
      `${name}: the tokenizer has ${tokenizer.vocabulary} tokens, the text tower ${text.vocabulary}: it is another model's, or was cut short`,
      { tokenizer: tokenizer.vocabulary, tower: text.vocabulary },
    );
  const data = new Float32Array(captions.length * text.dimension);
  const truncated: number[] = [];
  for (let start = 0; start < captions.length; start += text.batchSize) {
    const batch = tokenizer.encode(captions.slice(start, start + text.batchSize));
    truncated.push(...batch.truncated.map((i) => start + i));
    data.set(await text.run(batch.ids), start * text.dimension);
  }
  const embeds = { data, shape: [captions.length, text.dimension] };
  checkFeatures(`${name}, captions`, embeds);
  return { embeds, truncated };
}
