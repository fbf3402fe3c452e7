import { frechetDistance } from '../frechet/frechet-distance.ts';
import { frechetEstimate } from '../frechet/frechet-estimate.ts';
import { isStatistics } from '../frechet/feature-statistics.ts';
import { copiesNotes } from '../evaluate/duplicates.ts';
import { countDistinct } from '../features/content-order.ts';
import { given, type SetMetric } from '../evaluate/metric.ts';
import { distanceName, madeBy, measured, quoted, SEED, type Score } from '../evaluate/score.ts';

/** Fewest images for the halves behind a corrected distance. */
const LEAST_FOR_ESTIMATE = 16;

/** The Frechet distance; corrected and with an interval where both sets are images and there are enough. */
export const fid: SetMetric = {
  what: 'Frechet distance, and corrected for its bias',
  needs: ['features'],
  reference: 'statistics',
  least: 2,
  async compute({ extractor, generated, hashes, ...inputs }) {
    const reference = given(inputs.reference, 'a reference');
    const common = { group: 'distance', by: madeBy(extractor), set: 'generated', better: 'lower' } as const;
    const quantity = distanceName('F', extractor);
    const label = quoted({ quantity, by: common.by });
    // Of different images: copies tell nothing of the bias.
    const fewest = Math.min(...[hashes.generated, hashes.reference ?? []].map(countDistinct));
    if (isStatistics(reference) || fewest < LEAST_FOR_ESTIMATE) {
      const { value, second, errorBound } = await frechetDistance(generated, reference);
      const lacking = isStatistics(reference)
        ? 'the reference images, not only their statistics'
        : `${LEAST_FOR_ESTIMATE} different images of either set`;
      const notes = [`${label} is not corrected for its bias: that takes ${lacking}.`];
      if (second.method === 'pivoted-cholesky')
        notes.unshift(
          `${label}: the reference's statistics have rank ${second.rank} of ${extractor.dimension}; what rounding hides changes the value by ${errorBound.toPrecision(2)} at most.`,
        );
      return { scores: [{ ...common, quantity, value }], images: [], notes };
    }
    const estimate = await frechetEstimate(
      { ...generated, keys: hashes.generated },
      { ...reference, keys: given(hashes.reference, 'hashes of the reference images') },
      { seed: SEED },
    );
    const scores: Score[] = [
      { ...common, quantity, value: estimate.uncorrected },
      {
        ...common,
        quantity: `${quantity}, bias-corrected`,
        value: measured(estimate.value, estimate.interval, fewest, '95% by halves of the images'),
      },
    ];
    const notes = copiesNotes(label, hashes, 'its interval counts');
    if (!estimate.asymptotic)
      notes.push(
        `${label}: half of the ${fewest} images are no more than the ${extractor.dimension} dimensions. The corrected value is nearer to the truth than the plain one, but its interval does not cover the truth.`,
      );
    return { scores, images: [], notes };
  },
};
