import { readConstant, type Denoiser } from '@controllab/core-blocks';
import { controlNet } from '@controllab/controlnet';
import { normal, uniform } from '@controllab/data';
import { openMini } from '@controllab/mini-sd';
import { denoisingStep, initialTrainState, type TrainStepDefinition } from '@controllab/training';
import type { HostTensor } from '@controllab/tfjs-onnx';

const SEED = 1;

/** A training step of ControlNet on the embedded default, as the ablation's recipe takes it, on one batch of noise. */
export interface ControlStep {
  definition: TrainStepDefinition;
  /** The frozen U-Net by plain names; ControlNet's values before the first step. */
  base: Record<string, HostTensor>;
  control: Record<string, HostTensor>;
  initialState: Record<string, HostTensor>;
  inputs: Record<string, HostTensor>;
}

/** Values for the inputs of a denoising step: timesteps over the whole schedule, a condition in [0, 1), the rest of unit variance. */
function exampleBatch(specs: TrainStepDefinition['inputs']): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      if (name === 'timesteps') return [name, { data: Float32Array.from({ length: size }, (_, n) => (1000 * (n + 0.5)) / size), shape }];
      return [name, { data: (name === 'condition' ? uniform : normal)(SEED, `bench/${name}`, 0, size), shape }];
    }),
  );
}

/** The U-Net is the trained one, so that what flows through it is of a usual size; the text encoder's part is fed. */
export function controlStep(batchSize: number): ControlStep {
  const mini = openMini();
  const denoiser: Denoiser = mini.denoiser();
  const control = controlNet().create(denoiser.target);
  const weights = Object.fromEntries(Object.entries(mini.weights).filter(([name]) => name.startsWith('unet.')));
  const base = Object.fromEntries(Object.entries(weights).map(([name, t]) => [name.slice('unet.'.length), readConstant(t)]));
  const start = control.initial(base, SEED);
  const definition = denoisingStep(
    { denoiser, text: null, weights, control },
    { batchSize, weightDecay: 0.01, ema: null },
    { name: 'mini ControlNet training step' },
  );
  return { definition, base, control: start, initialState: initialTrainState(start), inputs: exampleBatch(definition.inputs) };
}
