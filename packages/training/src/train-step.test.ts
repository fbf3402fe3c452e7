import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { localBatches } from './batch.ts';
import { constantRate } from './learning-rate.ts';
import { runTraining } from './run-training.ts';
import { compileTrainStep, initialTrainState, stateTensors, type TrainStepDefinition } from './train-step.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// y = 2 x0 - x1 fitted by w [1, 2] and b [1]; the frozen scale 1 is a constant
const definition: TrainStepDefinition = {
  name: 'line',
  trainable: { w: { shape: [1, 2] }, b: { shape: [1] } },
  constants: { scale: { data: Float32Array.of(1), shape: [1] } },
  inputs: { x: { shape: [4, 2] }, y: { shape: [4, 1] } },
  optimizer: { weightDecay: 0 },
  ema: 0.9,
  loss: ({ params, constants, inputs }) => {
    const prediction = tf.add(tf.matMul(inputs.x as tf.Tensor2D, params.w as tf.Tensor2D, false, true), params.b!).mul(constants.scale!);
    const squares = tf.squaredDifference(prediction, inputs.y!);
    return { loss: tf.mean(squares) as tf.Scalar, aux: { squares } };
  },
};
const initialState = () =>
  initialTrainState({ w: { data: Float32Array.of(0.5, 0.5), shape: [1, 2] }, b: { data: Float32Array.of(0), shape: [1] } }, { ema: true });
const makeBatch = (step: number) => {
  const x = Float32Array.from({ length: 8 }, (_, i) => Math.sin(3 * step + i));
  return {
    inputs: {
      x: { data: x, shape: [4, 2] },
      y: { data: Float32Array.from({ length: 4 }, (_, i) => 2 * x[2 * i]! - x[2 * i + 1]!), shape: [4, 1] },
    },
    indices: [0, 1, 2, 3],
  };
};
const train = async (engine: 'onnx' | 'tfjs', stepsPerRun = 1, totalSteps = 12) => {
  const step = await compileTrainStep(definition, { engine, stepsPerRun, threads: 1 });
  return runTraining({
    name: 'line',
    step,
    initialState: initialState(),
    batches: localBatches(makeBatch),
    totalSteps,
    seed: 1,
    config: {},
    learningRate: constantRate({ peak: 0.05 }),
    output: { write: () => {} },
  });
};

describe('compileTrainStep', () => {
  it('takes one Adam step of the learning rate along each gradient sign, and averages', async () => {
    const step = await compileTrainStep(definition, { engine: 'tfjs' });
    step.state = initialState();
    const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
    const { loss, squares } = await step.run({
      ...makeBatch(0).inputs,
      learning_rate: scalar(0.1),
      bias_correction1: scalar(1 / 0.1),
      bias_correction2: scalar(1 / 0.001),
      ema_weight: scalar(0.5),
    });
    expect(squares!.shape).toEqual([4, 1]);
    expect(loss!.data[0]).toBeCloseTo([...squares!.data].reduce((a, b) => a + b, 0) / 4, 6);
    const w = stateTensors(step.state, 'p').w!.data;
    const average = stateTensors(step.state, 'ema').w!.data;
    for (let i = 0; i < 2; i++) {
      expect(Math.abs(w[i]! - 0.5)).toBeCloseTo(0.1, 4);
      expect(average[i]).toBeCloseTo((0.5 + w[i]!) / 2, 6);
    }
    expect(w[0]).toBeGreaterThan(0.5);
    expect(w[1]).toBeLessThan(0.5);
  });

  it('trains a parameter at its own share of the learning rate', async () => {
    const at = (name: string) => (name === 'slow' ? 0.1 : 1);
    const target = (x: tf.Tensor, goal: number) => tf.sum(tf.square(tf.sub(x, goal)));
    const step = await compileTrainStep(
      {
        name: 'two rates',
        trainable: { fast: { shape: [1] }, slow: { shape: [1] } },
        inputs: {},
        optimizer: { weightDecay: 0 },
        rate: at,
        loss: ({ params }) => ({ loss: tf.add(target(params['fast']!, 5), target(params['slow']!, 5)) as tf.Scalar }),
      },
      { threads: 1 },
    );
    step.state = initialTrainState({ fast: { data: Float32Array.of(0), shape: [1] }, slow: { data: Float32Array.of(0), shape: [1] } });
    const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
    await step.run({ learning_rate: scalar(0.2), bias_correction1: scalar(1 / 0.1), bias_correction2: scalar(1 / 0.001) });
    // Adam's first step is the learning rate itself.
    expect(stateTensors(step.state, 'p').fast!.data[0]).toBeCloseTo(0.2, 5);
    expect(stateTensors(step.state, 'p').slow!.data[0]).toBeCloseTo(0.02, 5);
    await step.release();
  });

  it('learns the line', async () => {
    const { state, losses } = await train('onnx', 1, 300);
    expect(losses.at(-1)!.loss).toBeLessThan(1e-3);
    expect(stateTensors(state, 'p').w!.data[0]).toBeCloseTo(2, 1);
    expect(stateTensors(state, 'ema').w!.data[1]).toBeCloseTo(-1, 1);
  });

  it('agrees between the compiled graph and eager tfjs', async () => {
    const [compiled, eager] = [await train('onnx'), await train('tfjs')];
    expect(compiled.losses.length).toBe(12);
    compiled.losses.forEach(({ loss }, i) => expect(loss).toBeCloseTo(eager.losses[i]!.loss, 5));
    for (const [name, { data }] of Object.entries(compiled.state))
      data.forEach((value, i) => expect(value).toBeCloseTo(eager.state[name]!.data[i]!, 4));
  });

  it('gives the same bytes with several steps a run', async () => {
    expect(await train('onnx', 4).then(({ state, losses }) => ({ state, losses }))).toEqual(
      await train('onnx', 1).then(({ state, losses }) => ({ state, losses })),
    );
  });
});
