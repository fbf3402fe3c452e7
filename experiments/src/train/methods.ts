import {
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
} from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';

/** What can be trained by name. */
const METHODS = {
  controlnet: () => controlNet(),
  'controlnet-gaussian': () => controlNet({ connection: 'gaussian' }),
  'controlnet-random': () => controlNet({ copy: 'random' }),
  'controlnet-mid': () => controlNet({ onlyMid: true }),
  'controlnet-latents': () => controlNet({ conditionEncoder: 'autoencoder' }),
  'controlnet-lite': () => controlNetLite(),
  'controlnet-mlp': () => controlNetMlp(),
  controlnext: () => controlNeXt(),
  'controlnet-xs': () => controlNetXs(),
  'control-lora': () => controlLora(),
  't2i-adapter': () => t2iAdapter(),
  piti: () => piti(),
  'ldm-concatenation': () => ldmConcatenation(),
  'ldm-concatenation-resized': () => ldmConcatenation({ condition: 'resized' }),
} as const satisfies Record<string, () => Method>;

export type MethodName = keyof typeof METHODS;
export const methodNames = Object.keys(METHODS) as MethodName[];

export const methodOf = (name: MethodName): Method => METHODS[name]();
