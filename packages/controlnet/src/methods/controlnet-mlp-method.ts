import type { Method } from '@controllab/core-blocks';
import { ControlNetMlp } from '../controlnet-mlp.ts';
import { encoderFreeControl } from './encoder-free.ts';

/** ControlNet-MLP, lighter still: a perceptron for every pixel in place of the copied encoder. Source: see {@link ControlNetMlp}. */
export const controlNetMlp = (): Method => ({
  id: 'controlnet-mlp',
  label: 'ControlNet-MLP',
  description: 'a perceptron for every pixel in place of the copied encoder (our reading of a discussion), tied in by zero convolutions',
  config: {},
  create: (target) => encoderFreeControl(target, (config) => new ControlNetMlp(config)),
});
