import { parameterSpecs } from '@controllab/core-blocks';
import { madeUpNumbers } from '@controllab/python-peer';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { FidInception } from '../src/inception/network.ts';

/** Weights of variance 2 / fan-in, which keeps the scale through ReLUs; normalisations near the identity, but no two channels alike. */
function parameter(name: string, shape: readonly number[]): HostTensor {
  const { data } = madeUpNumbers(name, shape);
  const matrix = shape.length > 1;
  const scale = matrix ? Math.fround(Math.sqrt(6 / shape.slice(1).reduce((a, b) => a * b, 1))) : 0.25;
  const shift = !matrix && /(running_var|bn\.weight)$/.test(name) ? 1 : 0;
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(data[i]! * scale) + shift;
  return { data, shape };
}

/** Made-up weights of FID's Inception network: the same at every call, and in inception_torch.py. */
export function madeUpInception(): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(parameterSpecs(new FidInception())).map(([name, { shape }]) => [name, parameter(name, shape)]));
}
