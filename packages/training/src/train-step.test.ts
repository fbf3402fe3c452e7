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
    initialState,
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

/** One parameter with a loss whose gradient is the mean of x: batch [x0, x1] has the gradient (x0 + x1) / 2. */
const slope = (rows: number, more: Partial<TrainStepDefinition>): TrainStepDefinition => ({
  name: 'slope',
  trainable: { w: { shape: [1] }, u: { shape: [1] } },
  inputs: { x: { shape: [rows] }, y: { shape: [rows, 1] } },
  optimizer: { weightDecay: 0 },
  loss: ({ params, inputs }) => ({
    loss: tf.add(tf.mean(tf.mul(params['w']!, inputs['x']!)), tf.mean(tf.mul(params['u']!, inputs['y']!))) as tf.Scalar,
  }),
  ...more,
});
const numbers = (values: readonly number[], shape: readonly number[]) => ({ data: Float32Array.from(values), shape });

/** What steps are fed, with beta1 0.9, beta2 0.999. */
const rates = (steps: readonly number[]) => ({
  learning_rate: numbers(steps.map(() => 0.1), steps.length === 1 ? [] : [steps.length]),
  bias_correction1: numbers(steps.map((t) => 1 / (1 - 0.9 ** t)), steps.length === 1 ? [] : [steps.length]),
  bias_correction2: numbers(steps.map((t) => 1 / (1 - 0.999 ** t)), steps.length === 1 ? [] : [steps.length]),
}); // prettier-ignore
const start = { w: numbers([2], [1]), u: numbers([-1], [1]) };

describe('accumulation', () => {
  const data = [3, -1, 0.5, 6, 2, 2, -4, 1];

  it.each(['onnx', 'tfjs'] as const)('gives the step of the whole batch, micro-batch by micro-batch (%s)', async (engine) => {
    const whole = await compileTrainStep(slope(4, { ema: 0.9, maxGradNorm: 1 }), { engine, threads: 1, stepsPerRun: 2 });
    const parts = await compileTrainStep(slope(2, { ema: 0.9, maxGradNorm: 1, accumulation: 2 }), { engine, threads: 1, stepsPerRun: 2 });
    whole.state = initialTrainState(start, { ema: true });
    parts.state = initialTrainState(start, { ema: true, accumulation: 2 });
    const fed = {
      x: numbers(data, [2, 4]),
      y: numbers(data.toReversed(), [2, 4, 1]),
      ...rates([1, 2]),
      ema_weight: numbers([0.5, 0.25], [2]),
    };
    const [a, b] = [await whole.run(fed), await parts.run(fed)];
    expect(b.loss!.shape).toEqual([2]);
    a.loss!.data.forEach((loss, i) => expect(b.loss!.data[i]).toBeCloseTo(loss, 6));
    for (const [name, { data: values }] of Object.entries(whole.state))
      values.forEach((value, i) => expect(parts.state[name]!.data[i]).toBeCloseTo(value, 6));
    expect([parts.state['g:w']!.data[0], parts.state['g:u']!.data[0]]).toEqual([0, 0]);
    await Promise.all([whole.release(), parts.release()]);
  });

  it('changes nothing before its last micro-batch', async () => {
    const parts = await compileTrainStep(slope(1, { accumulation: 4 }), { threads: 1 });
    parts.state = initialTrainState(start, { accumulation: 4 });
    // The mean gradient of w is 8 / 4, so that m = 2 and v = 4; Adam's first step is the rate.
    const { loss } = await parts.run({ x: numbers([1, 2, 2, 3], [4]), y: numbers([0, 0, 0, 0], [4, 1]), ...rates([1]) });
    expect(loss).toEqual(numbers([4], []));
    expect(parts.state['m:w']!.data[0]).toBe(2);
    expect(parts.state['v:w']!.data[0]).toBe(4);
    expect(parts.state['p:w']!.data[0]).toBeCloseTo(1.9, 5);
    await parts.release();
  });
});

describe('maxGradNorm', () => {
  /** Gradients 3 and 4 have the norm 5. */
  it.each([
    [1, 0.6, 0.8],
    [2.5, 1.5, 2],
    [50, 3, 4],
  ])('cuts gradients to a joint norm of %s', async (maxGradNorm, w, u) => {
    const step = await compileTrainStep(slope(1, { maxGradNorm }), { threads: 1 });
    step.state = initialTrainState(start);
    await step.run({ x: numbers([3], [1]), y: numbers([4], [1, 1]), ...rates([1]) });
    expect(step.state['m:w']!.data[0]).toBeCloseTo(w, 5);
    expect(step.state['m:u']!.data[0]).toBeCloseTo(u, 5);
    await step.release();
  });
});
