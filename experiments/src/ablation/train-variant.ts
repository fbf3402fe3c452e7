import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { parameterSpecs, withParameters } from '@controllab/core-blocks';
import { CONTEXT_LENGTH, vocabulary } from '@controllab/emoji-scenes';
import {
  controlledPrediction,
  IMAGE_SIZE,
  LATENT_CHANNELS,
  LATENT_SIZE,
  latentBatches,
  miniText,
  miniUNet,
  type BaseModel,
  type LatentBatchData,
  type Sampler,
} from '@controllab/mini-sd';
import {
  compileTrainStep,
  constantRate,
  initialTrainState,
  runTraining,
  startBatchWorker,
  stateTensors,
  type TrainingResult,
} from '@controllab/training';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import type { AblationProfile, Variant } from './design.ts';
import type { Control } from './controls.ts';
import { mean } from './statistics.ts';
import { conditionBatch, type HeldOutScene } from './held-out.ts';

export interface TrainVariantOptions {
  variant: Variant;
  control: Control;
  base: BaseModel;
  profile: AblationProfile;
  seed: number;
  /** Latent pool of the training scenes. */
  latents: string;
  directory: string;
  /** Follows the training run on these scenes. */
  curve: { sampler: Sampler; scenes: readonly HeldOutScene[]; prompts: readonly string[]; segmenter: Record<string, HostTensor> };
  engine: CompileOptions;
}

/** Steps a call of the engine runs: evaluations and checkpoints fall between calls. */
const STEPS_PER_RUN = 10;

/**
 * Trains one control network on the locked base model: the base's weights are constants of the graph, so that no gradient
 * of theirs is even traced (the paper's locked copy).
 */
export async function trainVariant({
  variant,
  control: kind,
  base,
  profile,
  seed,
  latents,
  directory,
  curve,
  engine,
}: TrainVariantOptions): Promise<TrainingResult> {
  const control = variant.create();
  const unet = miniUNet();
  const text = miniText(vocabulary(base.tier).words.length);
  const { batchSize, steps, learningRate, warmup, promptDrop, evaluateEvery } = profile;
  const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  const step = await compileTrainStep(
    {
      name: variant.label,
      trainable: parameterSpecs({ control }),
      constants: base.denoiser,
      inputs: {
        noisy: { shape: latent },
        target: { shape: latent },
        timesteps: { shape: [batchSize] },
        ids: { shape: [batchSize, CONTEXT_LENGTH], dtype: 'int32' },
        condition: { shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] },
      },
      loss: ({ params, constants, inputs }) =>
        withParameters({ unet, text }, constants, () =>
          withParameters({ control }, params, () => {
            const context = text.forward(inputs['ids']!);
            const v = controlledPrediction(unet, control, {
              noisy: inputs['noisy']!,
              timesteps: inputs['timesteps']!,
              context,
              condition: inputs['condition']!,
            });
            return { loss: tf.mean(tf.squaredDifference(v, inputs['target']!)) as tf.Scalar };
          }),
        ),
    },
    { ...engine, stepsPerRun: STEPS_PER_RUN },
  );
  const data: LatentBatchData = {
    phases: [{ from: 0, latents }],
    vocabularyTier: base.tier,
    batchSize,
    seed,
    promptDrop,
    condition: kind.id,
  };
  try {
    return await runTraining({
      name: variant.label,
      step,
      initialState: initialTrainState(variant.initial(control, base, seed)),
      batches: startBatchWorker({ module: latentBatches, data }),
      totalSteps: steps,
      learningRate: constantRate({ peak: learningRate, warmup }),
      seed,
      config: {
        variant: variant.id,
        control: kind.id,
        batchSize,
        steps,
        learningRate,
        warmup,
        promptDrop,
        evaluateEvery,
        base: base.hashes,
        curve: profile.curve,
      },
      directory: path.join(directory, `${kind.id}-${variant.id}-${seed}`),
      checkpointEvery: 2 * evaluateEvery,
      evaluation: {
        every: evaluateEvery,
        run: async ({ state }) => {
          const images = await curve.sampler.sample({
            prompts: curve.prompts,
            seed,
            steps: profile.curve.steps,
            guidanceScale: 1,
            condition: conditionBatch(curve.scenes, kind.id),
            controlWeights: stateTensors(state, 'p'),
          });
          const fidelity = await kind.fidelity(images, curve.scenes, curve.segmenter);
          return { [kind.measure]: mean(fidelity), fidelity };
        },
      },
    });
  } finally {
    await step.release();
  }
}
