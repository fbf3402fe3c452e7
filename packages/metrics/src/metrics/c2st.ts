import { twoSampleTest } from '../distribution/two-sample/two-sample-test.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { madeBy, only, SEED } from '../evaluate/score.ts';

/** A classifier two-sample test. */
export const c2st: SetMetric = {
  what: 'can a classifier tell the sets apart',
  needs: ['features'],
  reference: 'images',
  least: 20,
  async compute(inputs) {
    const { accuracy, auc, spread, p } = await twoSampleTest(
      { ...referenceFeatures(inputs), keys: given(inputs.hashes.reference, 'hashes of the reference images') },
      { ...inputs.generated, keys: inputs.hashes.generated },
      { seed: SEED },
    );
    const common = { group: 'two-sample', by: madeBy(inputs.extractor), set: 'generated' } as const;
    return only(
      { ...common, quantity: 'Accuracy', value: accuracy, better: 'lower', decimals: 3 },
      { ...common, quantity: 'Spread of the raters', value: spread, better: 'lower', decimals: 3 },
      { ...common, quantity: 'AUC', value: auc, better: 'lower', decimals: 3 },
      { ...common, quantity: 'p', value: p, better: 'higher' },
    );
  },
};
