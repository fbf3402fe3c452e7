import { aestheticScore, checkDimension, type AestheticScore } from '../aesthetic/score.ts';
import { given, referenceFeatures, type SetMetric } from '../evaluate/metric.ts';
import type { Score } from '../evaluate/score.ts';

const score = (set: Score['set'], { name, mean }: AestheticScore): Score => ({
  group: 'per-image',
  quantity: name,
  by: null,
  set,
  value: { ...mean, seeds: [1] },
  better: 'higher',
});

/** Of reference images too, where there are some. */
export const aesthetic: SetMetric = {
  what: 'LAION aesthetic score',
  needs: ['embeddings', 'predictor'],
  reference: 'optional',
  least: 1,
  checkNetwork({ dimension }, { clip, predictor }) {
    checkDimension(given(predictor, 'an aesthetic predictor'), dimension, given(clip, 'CLIP').towers.name);
  },
  compute(inputs) {
    const predictor = given(inputs.predictor, 'an aesthetic predictor');
    const backbone = given(inputs.clip, 'CLIP').towers.name;
    const own = aestheticScore(predictor, inputs.generated, backbone);
    const theirs = inputs.reference === null ? [] : [aestheticScore(predictor, referenceFeatures(inputs), backbone)];
    return {
      scores: [score('generated', own), ...theirs.map((other) => score('reference', other))],
      images: [{ id: 'aesthetic', label: own.name, values: own.perImage, better: 'higher' }],
      notes:
        predictor.backbone === undefined || predictor.backbone === backbone
          ? []
          : [
              `${own.name}: the predictor was trained on embeddings by CLIP ${predictor.backbone}; those of another mean something else to it.`,
            ],
    };
  },
};
