import type { HostTensor } from '@controllab/tfjs-onnx';
import type { MakeBatch } from '../batch.ts';
import type { TrainStep } from '../run-training.ts';
import { initialTrainState } from '../train-step.ts';

const BETA1 = 0.9;

/** y = w x by momentum descent in plain JavaScript: what the loop sees of a compiled step, without an engine. Loss is NaN where x is. */
export function fakeStep(stepsPerRun = 1): TrainStep {
  return {
    stepsPerRun,
    optimizer: { beta1: BETA1, beta2: 0.999 },
    state: {},
    async run(inputs) {
      const losses = new Float32Array(stepsPerRun);
      for (let k = 0; k < stepsPerRun; k++) {
        const [w, m] = [Float32Array.from(this.state['p:w']!.data), Float32Array.from(this.state['m:w']!.data)];
        const x = inputs.x!.data[k]!;
        const error = w[0]! * x - 3 * x;
        m[0] = BETA1 * m[0]! + (1 - BETA1) * 2 * error * x;
        w[0] = w[0]! - inputs.learning_rate!.data[k]! * inputs.bias_correction1!.data[k]! * m[0]!;
        losses[k] = error * error;
        this.state = { ...this.state, 'p:w': { data: w, shape: [1] }, 'm:w': { data: m, shape: [1] } };
      }
      return { loss: { data: losses, shape: stepsPerRun === 1 ? [] : [stepsPerRun] } };
    },
  };
}

export const fakeState = (): Record<string, HostTensor> =>
  initialTrainState({ w: { data: Float32Array.of(0.5), shape: [1] } }, { ema: true });

/** One sample a step, x in [0.5, 1.5); the sample's number is ten times the step. */
export const fakeBatch: MakeBatch = (step) => ({
  inputs: { x: { data: Float32Array.of(0.5 + ((step * 0.618) % 1)), shape: [1] } },
  indices: [step * 10],
});
