import { plainJson, type Json } from '@controllab/data';
import { pairedTwoSampleTest, type PairedTwoSampleTest } from '@controllab/metrics';
import type { Drawn } from '../drawing/draw.ts';
import type { Setting } from '../training/train.ts';

/** Names the scenes as the base's autoencoder gives them back among drawings: the best that any drawing of it can do. */
export const ROUND_TRIP = 'round-trip';

/** Raised with every change of code that alters the values. */
const REVISION = 1;

/**
 * How well raters who see mini-inception's features tell two sets of pictures of the same scenes apart: stored, or asked now.
 * @param seed of the choice of pictures that each rater is taught with
 * @throws MetricsError too-few-samples below 20 pictures
 */
export async function storedRatings(
  { at, judges }: Pick<Setting, 'at' | 'judges'>,
  [first, second]: readonly [Drawn, Drawn],
  seed: number,
): Promise<PairedTwoSampleTest> {
  const identity: Json = {
    revision: REVISION,
    first: first.hash,
    second: second.hash,
    inception: judges.hashes.inception,
    seed,
    numerics: plainJson(at.numerics),
  };
  const { value } = await at.store.cell<PairedTwoSampleTest>('rating', identity, async () => {
    const inception = await judges.inception();
    const features = async ({ images }: Drawn) => inception.features(images.map(({ rgb }) => rgb));
    return { value: await pairedTwoSampleTest(await features(first), await features(second), { seed }) };
  });
  return value;
}
