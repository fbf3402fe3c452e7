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
    const { name, mean, perImage, truncated, captions: count } = await clipScore(towers, generated, captions, measure);
    return {
      scores: [{ group: 'per-image', quantity: name, by: null, set: 'generated', value: { ...mean, seeds: [1] }, better: 'higher' }],
      images: [{ id: 'clip', label: name, values: perImage, better: 'higher' }],
      notes: [
        ...(count > captions.length
          ? [`${count} captions of ${captions.length} images: the score of an image is the mean over its captions.`]
          : []),
        ...(truncated > 0 ? [`${truncated} of ${count} captions are longer than CLIP\u2019s context and were cut to it.`] : []),
      ],
    };
  },
};
