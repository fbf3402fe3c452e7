import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { InceptionExtractor } from '../inception/extractor.ts';
import { inceptionScore as scoreOf } from '../inception/inception-score.ts';
import { CLASSES } from '../inception/network.ts';
import type { SetMetric } from '../evaluate/metric.ts';
import { madeBy, SEED, type Score } from '../evaluate/score.ts';

/** @throws MetricsError invalid-option for a network without FID's Inception's classes */
function inceptionOf(network: FeatureExtractor | InceptionExtractor): InceptionExtractor {
  if (!('logits' in network))
    throw new MetricsError('invalid-option', `the Inception Score needs FID's Inception network, not ${network.name}`, {
      network: network.name,
    });
  return network;
}

export const inceptionScore: SetMetric = {
  what: 'Inception Score',
  needs: ['features'],
  reference: 'none',
  least: 1,
  checkNetwork: (network) => void inceptionOf(network),
  async compute({ extractor, generated, hashes }) {
    const { score, splits } = scoreOf(await inceptionOf(extractor).logits(generated.data as Float32Array), CLASSES, {
      seed: SEED,
      keys: hashes.generated,
    });
    const common = { group: 'inception-score', by: madeBy(extractor), set: 'generated', better: 'higher' } as const;
    const scores: Score[] = [{ ...common, quantity: 'IS', value: score }];
    if (splits === null) return { scores, images: [], notes: [] };
    return {
      scores: [...scores, { ...common, quantity: 'IS, mean of ten parts', value: splits.mean }],
      images: [],
      notes: [`The ten parts\u2019 Inception Scores have a standard deviation of ${splits.sd.toPrecision(3)}.`],
    };
  },
};
