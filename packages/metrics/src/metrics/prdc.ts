import { neighbourhoodOverlap } from '../distribution/neighbourhoods.ts';
import { referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { madeBy, only } from '../evaluate/score.ts';

export const prdc: SetMetric = {
  what: 'precision and recall, density and coverage',
  needs: ['features'],
  reference: 'images',
  least: 6,
  async compute(inputs) {
    const { precision, recall, density, coverage } = await neighbourhoodOverlap(referenceFeatures(inputs), inputs.generated);
    const common = { group: 'overlap', by: madeBy(inputs.extractor), set: 'generated', better: 'higher', decimals: 3 } as const;
    return only(
      { ...common, quantity: 'Precision', value: precision },
      { ...common, quantity: 'Recall', value: recall },
      { ...common, quantity: 'Density', value: density },
      { ...common, quantity: 'Coverage', value: coverage },
    );
  },
};
