import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { catalogue } from '@controllab/emoji-scenes';
import { countParameters, initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { compileTrainStep, cosineRate, initialTrainState, runTraining, startBatchWorker, stateTensors, type TrainingResult } from '@controllab/training';
import type { ClassifierBatchData } from '../batches/classifier.ts';
import { classify } from '../classify.ts';
import { MiniClassifier } from '../classifier.ts';
import { IMAGE_SIZE } from '../models.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
import { saveWeights } from '../weights.ts';
import type { StageOptions } from './stage.ts';

const BATCH = 64;

export const CLASSIFIER_RECIPE = {
  source: { tier: 'quick', seed: 9, split: 'train', mix: { largeSingle: 0.6, smallSingle: 0.4, pair: 0, row: 0 } } satisfies SceneSource,
  batchSize: BATCH,
  totalSteps: 500,
  peak: 1e-3,
  noise: 0.3,
};

/** Which of the tier's objects a single shows; its accuracy on real scenes, held out by seed, is stored with the weights. */
export async function pretrainClassifier({ directory, seed, output }: StageOptions): Promise<TrainingResult> {
  const { source, totalSteps, peak, noise } = CLASSIFIER_RECIPE;
  const classes = catalogue(source.tier).length;
  const classifier = new MiniClassifier(classes);
  const step = await compileTrainStep(
    {
      name: 'classifier',
      trainable: parameterSpecs(classifier),
      inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] }, labels: { shape: [BATCH], dtype: 'int32' } },
      loss: ({ params, inputs }) =>
        withParameters(classifier, params, () => {
          const logProbabilities = tf.logSoftmax(classifier.forward(inputs['images']!));
          return { loss: tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(inputs['labels'] as tf.Tensor1D, classes), logProbabilities), 1))) as tf.Scalar };
        }),
    },
    { stepsPerRun: 4 },
  );
  const result = await runTraining({
    name: 'classifier',
    step,
    initialState: initialTrainState(initialize(classifier, seed)),
    batches: startBatchWorker({ module: new URL('../batches/classifier.ts', import.meta.url), data: { source, batchSize: BATCH, seed, noise } satisfies ClassifierBatchData }),
    totalSteps,
    learningRate: cosineRate({ peak, totalSteps, final: peak * 0.02 }),
    seed,
    config: { recipe: JSON.stringify(CLASSIFIER_RECIPE) },
    directory: path.join(directory, 'classifier'),
    checkpointEvery: 100,
    ...(output === undefined ? {} : { output }),
  });
  if (result.status === 'finished') {
    const weights = stateTensors(result.state, 'p');
    const scenes = await openScenes({ ...source, seed: 992 });
    const specs = Array.from({ length: 512 }, (_, i) => scenes.spec(i));
    const found = await classify(weights, specs.map((spec) => scenes.render(spec).rgb8.slice()));
    const correct = specs.filter((spec, i) => found[i] === spec.placements[0]!.object.id).length;
    saveWeights('classifier', weights, {
      recipe: JSON.stringify(CLASSIFIER_RECIPE),
      seed: String(seed),
      parameters: String(countParameters(classifier)),
      quality: JSON.stringify({ 'top-1 on real singles': correct / specs.length }),
    });
  }
  return result;
}
