import type { HostTensor } from '@controllab/tfjs-onnx';
import type { LearningRate } from './learning-rate.ts';

/** What the loop must know of a compiled step's optimizer to feed it. */
export interface OptimizerSettings {
  beta1: number;
  beta2: number;
  /** Decay of the averaged weights, when the step keeps any. */
  emaDecay?: number;
}

/**
 * The scalars a training step is fed because tracing would freeze them: learning_rate, bias_correction1 = 1 / (1 - beta1^t),
 * bias_correction2 = 1 / (1 - beta2^t) with t = step + 1 (Adam, algorithm 1), and ema_weight = 1 - min(decay, (1 + t) / (10 + t)):
 * the average follows quickly at first, so that a short run is not the average of its initialisation.
 * Shape [] for one step a run, [K] for K steps a run.
 */
export function optimizerInputs(
  { beta1, beta2, emaDecay }: OptimizerSettings,
  learningRate: LearningRate,
  firstStep: number,
  steps: number,
): Record<string, HostTensor> {
  const shape = steps === 1 ? [] : [steps];
  const perStep = (f: (t: number) => number): HostTensor => ({
    data: Float32Array.from({ length: steps }, (_, k) => f(firstStep + k + 1)),
    shape,
  });
  return {
    learning_rate: perStep((t) => learningRate(t - 1)),
    bias_correction1: perStep((t) => 1 / (1 - beta1 ** t)),
    bias_correction2: perStep((t) => 1 / (1 - beta2 ** t)),
    ...(emaDecay === undefined ? {} : { ema_weight: perStep((t) => 1 - Math.min(emaDecay, (1 + t) / (10 + t))) }),
  };
}
