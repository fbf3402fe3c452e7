import { withParameters } from '@controllab/core-blocks';
import { CONTEXT_LENGTH, tokenize, vocabulary, type Tier } from '@controllab/emoji-scenes';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { MiniClip } from '../networks/clip.ts';
import { IMAGE_SIZE, TEXT_WIDTH } from '../networks/models.ts';
import { imageBatches } from '../networks/pixels.ts';

/** Raw cosines in the space of a mini-CLIP, of images [64, 64, 3] and captions; at most `count` at a time. */
export interface ClipScorer {
  /** Cosine of image i and caption j at [i][j]. */
  similarities(images: readonly Uint8Array[], captions: readonly string[]): Promise<number[][]>;
  /** Cosine of each image and its own caption: CLIP score (mini), unscaled. */
  scores(images: readonly Uint8Array[], captions: readonly string[]): Promise<number[]>;
  release(): Promise<void>;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Compiles both towers for batches of `count`; a smaller batch is padded. */
export async function compileClip(
  weights: Record<string, HostTensor>,
  tier: Tier,
  count: number,
  engine: CompileOptions = {},
): Promise<ClipScorer> {
  const words = vocabulary(tier);
  const clip = new MiniClip(words.words.length);
  const towers = await compile(
    ({ inputs, constants }) =>
      withParameters(clip, constants, () => ({
        outputs: { images: clip.encodeImages(inputs['images']!), texts: clip.encodeTexts(inputs['ids']!) },
      })),
    {
      inputs: { images: { shape: [count, 3, IMAGE_SIZE, IMAGE_SIZE] }, ids: { shape: [count, CONTEXT_LENGTH], dtype: 'int32' } },
      constants: weights,
    },
    { ...engine, name: 'mini-CLIP' },
  );
  const rows = ({ data }: HostTensor, length: number): Float32Array[] =>
    Array.from({ length }, (_, n) => (data as Float32Array).slice(n * TEXT_WIDTH, (n + 1) * TEXT_WIDTH));
  const embed = async (
    images: readonly Uint8Array[],
    captions: readonly string[],
  ): Promise<{ images: Float32Array[]; texts: Float32Array[] }> => {
    const found: { images: Float32Array[]; texts: Float32Array[] } = { images: [], texts: [] };
    for (const { start, size, batch } of imageBatches(images, count)) {
      const ids = new Int32Array(count * CONTEXT_LENGTH);
      for (let n = 0; n < count; n++) ids.set(tokenize(captions[start + Math.min(n, size - 1)]!, words), n * CONTEXT_LENGTH);
      const out = await towers.run({ images: batch, ids: { data: ids, shape: [count, CONTEXT_LENGTH] } });
      found.images.push(...rows(out['images']!, size));
      found.texts.push(...rows(out['texts']!, size));
    }
    return found;
  };
  return {
    async similarities(images, captions) {
      const embedded = await embed(images, captions);
      return embedded.images.map((image) => embedded.texts.map((text) => dot(image, text)));
    },
    async scores(images, captions) {
      const embedded = await embed(images, captions);
      return embedded.images.map((image, i) => dot(image, embedded.texts[i]!));
    },
    release: () => towers.release(),
  };
}
