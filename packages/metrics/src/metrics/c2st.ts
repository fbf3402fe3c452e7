import { LEAST, twoSampleTest } from '../distribution/two-sample/two-sample-test.ts';
import { copiesNotes } from '../evaluate/duplicates.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import { madeBy, only, quoted, SEED, tooFewDistinct } from '../evaluate/score.ts';
import { countDistinct } from '../features/content-order.ts';

/** To learn from, and again as many to be tested on. */
const FEWEST = 2 * LEAST;

/** A classifier two-sample test. */
export const c2st: SetMetric = {
  what: 'can a classifier tell the sets apart',
  needs: ['features'],
  reference: 'images',
  least: FEWEST,
  async compute(inputs) {
    const { generated, hashes } = inputs;
    const common = { group: 'two-sample', by: madeBy(inputs.extractor), set: 'generated' } as const;
    const label = quoted({ quantity: 'The two-sample test', by: common.by });
    const keys = given(hashes.reference, 'hashes of the reference images');
    if (Math.min(countDistinct(hashes.generated), countDistinct(keys)) < FEWEST) return tooFewDistinct(label, FEWEST);
    const { accuracy, auc, spread, p } = await twoSampleTest(
      { ...referenceFeatures(inputs), keys },
      { ...generated, keys: hashes.generated },
      { seed: SEED },
    );
    const scores = only(
      { ...common, quantity: 'Accuracy', value: accuracy, better: 'lower', decimals: 3 },
      { ...common, quantity: 'Spread of the raters', value: spread, better: 'lower', decimals: 3 },
      { ...common, quantity: 'AUC', value: auc, better: 'lower', decimals: 3 },
      { ...common, quantity: 'p', value: p, better: 'higher' },
    );
    return { ...scores, notes: copiesNotes(label, hashes, 'its raters see') };
  },
};
