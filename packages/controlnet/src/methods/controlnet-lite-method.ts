import type { Method } from '@controllab/core-blocks';
import { ControlNetLite } from '../controlnet-lite.ts';
import { encoderFreeControl } from './encoder-free.ts';

/**
 * ControlNet-lite, the paper's light baseline: one convolution in place of each copied block, tied in by zero convolutions. Source:
 * ControlNet (ICCV 2023), sections 4.2 and 4.3.
 */
export const controlNetLite = (): Method => ({
  id: 'controlnet-lite',
  label: 'ControlNet-lite',
  description: 'one convolution in place of each copied block (our reading of one sentence of the paper), tied in by zero convolutions',
  config: {},
  create: (target) => encoderFreeControl(target, (config) => new ControlNetLite(config)),
});
