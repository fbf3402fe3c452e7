import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { nn } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from './errors.ts';
import { Conv2d, Linear } from './layers/layers.ts';
import { Module, Parameter, countParameters, initialize, parameterSpecs, withParameters } from './module.ts';

class Pair extends Module {
  layers: [Linear, null, Linear];
  gain: Parameter;
  width = 2;

  constructor() {
    super();
    this.layers = [new Linear(2, 3), null, new Linear(3, 1, { bias: false })];
    this.gain = new Parameter([1], 'ones');
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.mul(this.layers[2].forward(this.layers[0].forward(x)), this.gain.tensor);
  }
}

beforeAll(() => tf.setBackend('cpu'));

const tensors = (module: Module, prefix?: string) =>
  Object.fromEntries(Object.entries(initialize(module, 1, prefix)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));

describe('Module', () => {
  it('names parameters by their property path; null holes keep the indices', () => {
    expect([...new Pair().parameters('net').keys()]).toEqual([
      'net.layers.0.weight',
      'net.layers.0.bias',
      'net.layers.2.weight',
      'net.gain',
    ]);
    expect(countParameters(new Pair())).toBe(6 + 3 + 3 + 1);
    expect(parameterSpecs({ a: new Pair(), b: new Conv2d(4, 8, 3) })['b.weight']).toEqual({ shape: [8, 4, 3, 3], dtype: 'float32' });
  });

  it('refuses two modules whose parameters share a name', () => {
    expect(() =>
      parameterSpecs({ a: new Linear(1, 1), 'a.weight': new Linear(1, 1), '': Object.assign(new Pair(), { a: new Linear(1, 1) }) }),
    ).toThrow(expect.objectContaining({ code: 'duplicate-parameter' }));
  });
});

describe('recomputation', () => {
  const gradients = (recompute: (module: Module) => boolean) => {
    const net = { net: new Pair() };
    const weights = Object.fromEntries(Object.entries(tensors(net.net, 'net')).map(([name, tensor]) => [name, tensor]));
    const x = tf.tensor2d([[1, -2]]);
    const f = () => withParameters(net, weights, () => tf.sum(net.net.forward(x)), { recompute }) as tf.Scalar;
    return tf
      .engine()
      .gradients(f, [x, ...Object.values(weights)], undefined, false)
      .grads.map((grad) => [...grad.dataSync()]);
  };

  it('gives the gradients of its input and of every parameter', () => {
    const kept = gradients(() => false);
    expect(gradients((module) => module instanceof Pair)).toEqual(kept);
    expect(kept.map((grad) => grad.length)).toEqual([2, 6, 3, 3, 1]);
    expect(kept.flat().every((value) => value !== 0)).toBe(true);
  });

  it('refuses a module that takes tensors inside of an object, where their gradients would be lost', () => {
    class Hidden extends Pair {
      override forward({ x }: never): tf.Tensor {
        return super.forward(x);
      }
    }
    const net = { net: new Hidden() };
    const call = () =>
      withParameters(net, tensors(net.net, 'net'), () => net.net.forward({ x: tf.ones([1, 2]) } as never), { recompute: () => true });
    expect(call).toThrow(/Hidden takes tensors inside of an object/);
  });
});

describe('initialize', () => {
  it('gives a parameter the same bytes whatever else the model has', () => {
    const whole = initialize(new Pair(), 5, 'net');
    expect(initialize(new Linear(2, 3), 5, 'net.layers.0')['net.layers.0.weight']).toEqual(whole['net.layers.0.weight']);
    expect(initialize(new Pair(), 6, 'net')['net.layers.0.weight']).not.toEqual(whole['net.layers.0.weight']);
  });

  it('draws linear layers from +-1/sqrt(fan_in)', () => {
    const weight = initialize(new Linear(100, 50), 0)['weight']?.data as Float32Array;
    const largest = weight.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(largest).toBeLessThanOrEqual(0.1);
    expect(largest).toBeGreaterThan(0.099);
  });

  it('draws { normal: std } with that standard deviation', () => {
    class Table extends Module {
      weight = new Parameter([100, 100], { normal: 0.02 });
    }
    const weight = initialize(new Table(), 0)['weight']?.data as Float32Array;
    const std = Math.sqrt(weight.reduce((sum, w) => sum + w * w, 0) / weight.length);
    expect(Math.abs(std / 0.02 - 1)).toBeLessThan(0.036); // five standard errors, 1/sqrt(2 n) each
  });
});

describe('withParameters', () => {
  it('computes with the lent tensors and unbinds them, also after an error', () => {
    const pair = new Pair();
    const lent = {
      'layers.0.weight': tf.tensor2d([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
      'layers.0.bias': tf.tensor1d([0, 0, 1]),
      'layers.2.weight': tf.tensor2d([[1, 2, 3]]),
      gain: tf.tensor1d([2]),
    };
    // hidden [3, 4, 8], output 3 + 8 + 24 = 35, times 2
    expect(withParameters(pair, lent, () => pair.forward(tf.tensor2d([[3, 4]]))).dataSync()[0]).toBe(70);
    expect(() =>
      withParameters(pair, lent, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(() => pair.gain.tensor).toThrow(expect.objectContaining({ code: 'parameter-unbound' }));
    expect(Object.hasOwn(pair, 'forward')).toBe(false);
  });

  it('lists every missing and mis-shaped tensor in one error', () => {
    const pair = new Pair();
    const bad = { ...tensors(pair), gain: tf.ones([2]) } as Record<string, tf.Tensor>;
    delete bad['layers.0.bias'];
    expect(() => withParameters(pair, bad, () => 0)).toThrow(CoreBlocksError);
    expect(() => withParameters(pair, bad, () => 0)).toThrow(/missing layers\.0\.bias \[3\][\s\S]*gain: expected \[1\], got \[2\]/);
  });

  it('puts the module path into engine errors', () => {
    const pair = new Pair();
    expect(() => withParameters({ net: pair }, tensors(pair, 'net'), () => pair.forward(tf.ones([1, 5])))).toThrow(/net\.layers\.0/);
    expect(() => nn.linear(tf.ones([1, 5]), tf.ones([2, 2]), null)).toThrow(/^(?!.*net)/);
  });
});
