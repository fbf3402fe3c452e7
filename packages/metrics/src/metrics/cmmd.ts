import { cmmd as discrepancy } from '../distribution/cmmd.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { ofKernel, only } from '../evaluate/score.ts';

export const cmmd: SetMetric = {
  what: 'kernel distance of CLIP embeddings',
  needs: ['embeddings'],
  reference: 'images',
  least: 2,
  async compute(inputs) {
    return only({
      group: 'distance',
      quantity: 'CMMD',
      by: `CLIP ${given(inputs.clip, 'CLIP').towers.name}`,
      set: 'generated',
      value: ofKernel(await discrepancy(inputs.generated, referenceFeatures(inputs))),
      better: 'lower',
    });
  },
};
