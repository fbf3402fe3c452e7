import type { Estimate } from '@controllab/report';
import { MetricsError } from '../errors.ts';
import { checkFeatures, rowsAt, type Features } from '../features/feature-vectors.ts';
import { meanOfImages } from '../mean-of-images.ts';
import { checkCaptions, embedCaptions, type ClipTowers } from './towers.ts';

/** The three numbers that papers call CLIP score: what is put in front of a caption, and what becomes of the cosine. */
export const CLIP_MEASURES = {
  cosine: { title: 'CLIP cosine', prefix: '', of: (cosine) => cosine },
  clipscore: { title: 'CLIPScore', prefix: 'A photo depicts ', of: (cosine) => 2.5 * Math.max(cosine, 0) },
  'cosine-x100': { title: 'CLIP cosine x100', prefix: '', of: (cosine) => 100 * cosine },
} satisfies Record<string, { title: string; prefix: string; of(cosine: number): number }>;

/**
 * `cosine`: raw, as in ControlNet's tables. `clipscore`: Hessel et al. 2021 (their backbone is ViT-B/32). `cosine-x100`: torchmetrics'
 * (there the mean, not each image, is also clipped at 0).
 */
export type ClipMeasure = keyof typeof CLIP_MEASURES;

export interface ClipScore {
  /** With the backbone: `CLIPScore (ViT-B/32)`. */
  name: string;
  /** Over the images, with its interval. */
  mean: Estimate;
  /** Of each image; of one with several captions the mean over them. */
  perImage: Float64Array;
  /** Captions of all images. */
  captions: number;
  /** How many of them were longer than the context and were cut to it. */
  truncated: number;
}

/** @throws MetricsError unknown-preset, listing the known ones */
export function clipMeasure(name: string): ClipMeasure {
  if (!Object.hasOwn(CLIP_MEASURES, name))
    throw new MetricsError('unknown-preset', `there is no CLIP measure "${name}"; there are ${Object.keys(CLIP_MEASURES).join(', ')}`, {
      name,
    });
  return name as ClipMeasure;
}

/**
 * How well images fit their captions. `images`: their features by `towers.image`, [N, D]; `captions`: one or several of each image.
 * @throws MetricsError invalid-shape unless there are captions for each image; empty-input for an empty caption; not-finite
 */
export async function clipScore(
  towers: ClipTowers,
  images: Features,
  captions: readonly (readonly string[])[],
  measure: ClipMeasure,
): Promise<ClipScore> {
  const { title, prefix, of } = CLIP_MEASURES[measure];
  const name = `${title} (${towers.name})`;
  const { n, d } = checkFeatures(`${name}, images`, images);
  if (captions.length !== n)
    throw new MetricsError('invalid-shape', `${name}: expected captions for each of ${n} images, got those of ${captions.length}`, {
      images: n,
      captions: captions.length,
    });
  const bare = captions.findIndex((own) => own.length === 0);
  if (bare >= 0) throw new MetricsError('empty-input', `${name}: image ${bare} has no caption`, { index: bare });
  checkCaptions(name, captions.flat());
  if (towers.text.dimension !== d)
    throw new MetricsError(
      'invalid-shape',
      `${name}: embeddings of images have ${d} dimensions, those of captions ${towers.text.dimension}`,
      { image: d, text: towers.text.dimension },
    );
  const { embeds, truncated } = await embedCaptions(
    towers,
    captions.flat().map((caption) => prefix + caption),
  );
  const image = captions.flatMap((own, i) => own.map(() => i));
  const scores = cosines(rowsAt(images, Uint32Array.from(image)), embeds).map(of);
  const perImage = new Float64Array(n);
  for (const [i, score] of scores.entries()) perImage[image[i]!]! += score / captions[image[i]!]!.length;
  return { name, mean: meanOfImages(perImage), perImage, captions: image.length, truncated: truncated.length };
}

/**
 * Cosine of each row of `a` and the same row of `b`, [N, D] both, in float64.
 * @throws MetricsError invalid-shape, not-finite also for a row of zeros, which has no direction
 */
export function cosines(a: Features, b: Features): Float64Array {
  const { n, d } = checkFeatures('cosines, first set', a);
  const second = checkFeatures('cosines, second set', b);
  if (second.n !== n || second.d !== d)
    throw new MetricsError(
      'invalid-shape',
      `Error in cosines: expected two sets of one shape, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      { a: a.shape, b: b.shape },
    );
  return Float64Array.from({ length: n }, (_, row) => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = row * d; i < (row + 1) * d; i++) {
      ab += a.data[i]! * b.data[i]!;
      aa += a.data[i]! ** 2;
      bb += b.data[i]! ** 2;
    }
    if (aa === 0 || bb === 0)
      throw new MetricsError('not-finite', `Error in cosines: row ${row} is all zeros and has no direction`, { row });
    return ab / Math.sqrt(aa * bb);
  });
}
