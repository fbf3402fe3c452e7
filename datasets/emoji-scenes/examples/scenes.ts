import { SCENE_SEEDS, emojiScenes, tokenize, trainingMix, vocabulary } from '@controllab/emoji-scenes';

const { seed } = SCENE_SEEDS.controlTraining;
const scenes = await emojiScenes({ tier: 'core', seed, split: 'train', mix: trainingMix });
const words = vocabulary('core');
for (const index of [0, 1, 49_151]) {
  const { image, captions, condition, map } = await scenes.example(index); // drawn when it is asked for
  const edges = condition('canny'); // what a control network is shown, RGB
  const classes = map('segmentation'); // exact, one class a pixel
  const ids = tokenize(captions.caption, words); // Int32Array(24)
  console.log(captions.caption, image.width, edges.rgb.length, new Set(classes).size, ids.length);
}
