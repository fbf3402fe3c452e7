import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Conv2d, Linear } from './layers.ts';
import { Lora } from './lora.ts';
import { initialize, Module, parameterSpecs, withParameters } from '../module.ts';

class Network extends Module {
  conv = new Conv2d(2, 3, 1);
  out = new Linear(3, 2);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('Lora', () => {
  const network = new Network();
  const lora = new Lora(parameterSpecs(network), 1);

  it('has two factors for every weight, under peft’s names, and none for biases', () => {
    expect(Object.fromEntries(Object.entries(parameterSpecs(lora)).map(([name, { shape }]) => [name, shape]))).toEqual({
      'conv.lora_A.weight': [1, 2],
      'conv.lora_B.weight': [3, 1],
      'out.lora_A.weight': [1, 3],
      'out.lora_B.weight': [2, 1],
    });
  });

  it('begins as the network it adapts', () => {
    const base = initialize(network, 1);
    expect(lora.merge(base, initialize(lora, 2))).toEqual(base);
  });

  it('adds B A, traced and on the host alike', () => {
    const base = {
      'conv.weight': { data: new Float32Array(6), shape: [3, 2, 1, 1] },
      'conv.bias': { data: Float32Array.of(7, 7, 7), shape: [3] },
      'out.weight': { data: new Float32Array(6).fill(1), shape: [2, 3] },
      'out.bias': { data: new Float32Array(2), shape: [2] },
    };
    const values = {
      'conv.lora_A.weight': { data: Float32Array.of(1, 2), shape: [1, 2] },
      'conv.lora_B.weight': { data: Float32Array.of(1, 0, -1), shape: [3, 1] },
      'out.lora_A.weight': { data: Float32Array.of(1, 0, 2), shape: [1, 3] },
      'out.lora_B.weight': { data: Float32Array.of(3, 0), shape: [2, 1] },
    };
    const merged = lora.merge(base, values);
    expect([...merged['conv.weight']!.data]).toEqual([1, 2, 0, 0, -1, -2]);
    expect([...merged['out.weight']!.data]).toEqual([4, 1, 7, 1, 1, 1]);
    expect(merged['conv.bias']).toBe(base['conv.bias']);
    const tensors = (all: Record<string, { data: Float32Array; shape: number[] }>) =>
      Object.fromEntries(Object.entries(all).map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]));
    const applied = withParameters(lora, tensors(values), () => lora.apply(tensors(base)));
    for (const name of Object.keys(base)) expect([...applied[name]!.dataSync()], name).toEqual([...merged[name]!.data]);
  });

  it('refuses a rank that is none', () => {
    expect(() => new Lora({}, 0)).toThrow('rank of at least 1');
  });
});
