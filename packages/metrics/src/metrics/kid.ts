import { kernelInceptionDistance } from '../distribution/kernel-inception-distance.ts';
import { copiesNotes } from '../evaluate/duplicates.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { distanceName, madeBy, ofKernel, only, quoted, tooFewDistinct } from '../evaluate/score.ts';
import { countDistinct } from '../features/content-order.ts';

const LEAST = 2;

export const kid: SetMetric = {
  what: 'kernel distance',
  needs: ['features'],
  reference: 'images',
  least: LEAST,
  async compute(inputs) {
    const { extractor, generated, hashes } = inputs;
    const name = { quantity: distanceName('K', extractor), by: madeBy(extractor) };
    const keys = given(hashes.reference, 'hashes of the reference images');
    if (Math.min(countDistinct(hashes.generated), countDistinct(keys)) < LEAST) return tooFewDistinct(quoted(name), LEAST);
    const distance = await kernelInceptionDistance({ ...generated, keys: hashes.generated }, { ...referenceFeatures(inputs), keys });
    return {
      ...only({ ...name, group: 'distance', set: 'generated', value: ofKernel(distance), better: 'lower' }),
      notes: copiesNotes(quoted(name), hashes, 'its interval counts'),
    };
  },
};
