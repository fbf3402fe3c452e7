import { kernelInceptionDistance } from '../distribution/kernel-inception-distance.ts';
import { referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { distanceName, madeBy, ofKernel, only } from '../evaluate/score.ts';

export const kid: SetMetric = {
  what: 'kernel distance',
  needs: ['features'],
  reference: 'images',
  least: 2,
  async compute(inputs) {
    return only({
      group: 'distance',
      quantity: distanceName('K', inputs.extractor),
      by: madeBy(inputs.extractor),
      set: 'generated',
      value: ofKernel(await kernelInceptionDistance(inputs.generated, referenceFeatures(inputs))),
      better: 'lower',
    });
  },
};
