import { parameterSpecs } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { FidInception } from '../src/inception/network.ts';

/** Numbers in [-1, 1) that depend on the name and the index only, so that the peer has the same ones (murmur3's finaliser). */
export function numbers(name: string, shape: readonly number[]): HostTensor & { data: Float32Array } {
  let seed = 0;
  for (const character of Buffer.from(name)) seed = (Math.imul(seed, 31) + character) | 0;
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) {
    let z = (i ^ seed) >>> 0;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    data[i] = ((z ^ (z >>> 16)) >>> 0) / 2 ** 31 - 1;
  }
  return { data, shape };
}

/** Weights of variance 2 / fan-in, which keeps the scale through ReLUs; normalisations near the identity, but no two channels alike. */
function parameter(name: string, shape: readonly number[]): HostTensor {
  const { data } = numbers(name, shape);
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
