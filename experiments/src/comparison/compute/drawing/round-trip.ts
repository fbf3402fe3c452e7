import { plainJson, type Json } from '@controllab/data';
import type { Drawn } from './draw.ts';
import type { EvaluationSet } from './evaluation-set.ts';
import { readPictures, writePictures, type PictureSize } from './pictures.ts';
import type { Setting } from '../training/train.ts';

/** What a base's autoencoder makes of scenes: encoded to posterior means and decoded again, the best that any drawing of it can do. */
export async function storedRoundTrip({ at, base }: Pick<Setting, 'at' | 'base'>, scenes: EvaluationSet): Promise<Drawn> {
  const identity: Json = { base: base.hash, scenes: scenes.hash, numerics: plainJson(at.numerics) };
  const stored = await at.store.cell<PictureSize>('round-trip', identity, async (directory) => {
    const images = scenes.examples.map(({ image }) => image);
    return writePictures(directory, await base.decode(await base.encode(images, at.engine), at.engine));
  });
  return { hash: stored.hash, label: 'the scenes through the autoencoder', images: readPictures(stored) };
}
