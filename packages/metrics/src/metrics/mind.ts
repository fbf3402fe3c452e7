import { mind as slicedDistance } from '../distribution/mind.ts';
import { referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { madeBy, only, SEED } from '../evaluate/score.ts';

export const mind: SetMetric = {
  what: 'sliced Wasserstein distance',
  needs: ['features'],
  reference: 'images',
  least: 2,
  async compute(inputs) {
    const { value } = await slicedDistance(inputs.generated, referenceFeatures(inputs), { seed: SEED });
    return only({ group: 'distance', quantity: 'MIND', by: madeBy(inputs.extractor), set: 'generated', value, better: 'lower' });
  },
};
