import { cmmd as discrepancy } from '../distribution/cmmd.ts';
import { copiesNotes } from '../evaluate/duplicates.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { ofKernel, only, quoted, tooFewDistinct } from '../evaluate/score.ts';
import { countDistinct } from '../features/content-order.ts';

const LEAST = 2;

export const cmmd: SetMetric = {
  what: 'kernel distance of CLIP embeddings',
  needs: ['embeddings'],
  reference: 'images',
  least: LEAST,
  async compute(inputs) {
    const { generated, hashes } = inputs;
    const name = { quantity: 'CMMD', by: `CLIP ${given(inputs.clip, 'CLIP').towers.name}` };
    const keys = given(hashes.reference, 'hashes of the reference images');
    if (Math.min(countDistinct(hashes.generated), countDistinct(keys)) < LEAST) return tooFewDistinct(quoted(name), LEAST);
    const distance = await discrepancy({ ...generated, keys: hashes.generated }, { ...referenceFeatures(inputs), keys });
    return {
      ...only({ ...name, group: 'distance', set: 'generated', value: ofKernel(distance), better: 'lower' }),
      notes: copiesNotes(quoted(name), hashes, 'its interval counts'),
    };
  },
};
