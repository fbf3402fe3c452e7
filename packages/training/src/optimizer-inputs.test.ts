import { expect, it } from 'vitest';
import { optimizerInputs } from './optimizer-inputs.ts';

it('optimizerInputs corrects the bias from step 1 on', () => {
  const one = optimizerInputs({ beta1: 0.5, beta2: 0.75 }, () => 0.25, 0, 1);
  expect(one).toEqual({
    learning_rate: { data: Float32Array.of(0.25), shape: [] },
    bias_correction1: { data: Float32Array.of(2), shape: [] },
    bias_correction2: { data: Float32Array.of(4), shape: [] },
  });
  const two = optimizerInputs({ beta1: 0.5, beta2: 0.75, emaDecay: 0.3 }, (step) => step, 1, 2);
  expect(two.learning_rate).toEqual({ data: Float32Array.of(1, 2), shape: [2] });
  expect(two.bias_correction1).toEqual({ data: Float32Array.of(1 / 0.75, 1 / 0.875), shape: [2] });
  expect(two.ema_weight).toEqual({ data: Float32Array.of(0.75, 0.7), shape: [2] });
});
