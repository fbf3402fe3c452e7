import { clipScore } from '../clip/score.ts';
import { given, type SetMetric } from '../evaluate/metric.ts';

export const clip: SetMetric = {
  what: 'CLIP score of the captions',
  needs: ['embeddings', 'captions'],
  reference: 'none',
  least: 1,
  async compute({ generated, ...inputs }) {
    const { towers, measure } = given(inputs.clip, 'CLIP');
    const captions = given(inputs.captions, 'captions');
    const { name, mean, perImage, truncated } = await clipScore(towers, generated, captions, measure);
    return {
      scores: [{ group: 'per-image', quantity: name, by: null, set: 'generated', value: { ...mean, seeds: [1] }, better: 'higher' }],
      images: [{ id: 'clip', label: name, values: perImage }],
      notes:
        truncated.length === 0
          ? []
          : [`${truncated.length} of ${captions.length} captions are longer than CLIP\u2019s context and were cut to it.`],
    };
  },
};
