import path from 'node:path';
import { verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import { plainJson, type Json } from '@controllab/data';
import type { Features } from '@controllab/metrics';
import type { LazySet } from '../drawing/evaluation-set.ts';
import type { Setting } from '../training/train.ts';

/** Raised with every change of code that alters the values. */
const REVISION = 1;
const FILE = 'features.safetensors';

/** mini-inception's features of scenes, [N, 256]: stored, or computed now. Every process that measures needs those of the same ones. */
export async function storedFeatures({ at, judges }: Pick<Setting, 'at' | 'judges'>, scenes: LazySet): Promise<Features> {
  const identity: Json = { revision: REVISION, scenes: scenes.hash, inception: judges.hashes.inception, numerics: plainJson(at.numerics) };
  const { directory } = await at.store.cell('features', identity, async (folder) => {
    const examples = await scenes.examples();
    at.say(`features of ${examples.length} real scenes`);
    const features = await (await judges.inception()).features(examples.map(({ image }) => image.rgb));
    writeSafetensors(path.join(folder, FILE), { features });
    return { value: features.shape, files: [FILE] };
  });
  const { data, shape } = verifySafetensors(path.join(directory, FILE)).tensor('features');
  return { data: data as Float32Array, shape };
}
