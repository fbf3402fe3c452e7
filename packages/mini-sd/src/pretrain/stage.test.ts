import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { Module, Parameter } from '@controllab/core-blocks';
import { trainStage, type Recipe, type StageDefinition } from './stage.ts';

const parent = mkdtempSync(path.join(os.tmpdir(), 'stage-'));
afterAll(() => rmSync(parent, { recursive: true }));

class Line extends Module {
  readonly weight = new Parameter([1], { normal: 1 });
  readonly bias = new Parameter([1], 'zeros');
}

/** A line through points, with what is asked for otherwise. */
function stage(change: Partial<StageDefinition> = {}, recipe: Partial<Recipe> = {}): StageDefinition {
  const line = new Line();
  return {
    part: 'aesthetic',
    recipe: { batchSize: 2, totalSteps: 12, peak: 0.1, warmup: 3, ema: 0.9, weightDecay: 0.01, ...recipe },
    identity: { line: 1 },
    module: line,
    inputs: { x: { shape: [2] }, y: { shape: [2] } },
    loss: ({ x, y }) => ({
      loss: tf.mean(tf.squaredDifference(tf.add(tf.mul(line.weight.tensor, x!), line.bias.tensor), y!)) as tf.Scalar,
    }),
    batches: { module: new URL('../testing/line-batches.ts', import.meta.url), data: {} },
    stepsPerRun: 2,
    checkpointEvery: 4,
    ...change,
  };
}

const options = (name: string) => ({ directory: path.join(parent, name), seed: 5, output: { write: () => true } });

/** The first signal that a training listens for comes as soon as it does. */
function interruptAtOnce(): void {
  const listening = (event: string | symbol, listener: NodeJS.SignalsListener): void => {
    if (event !== 'SIGINT') return;
    process.off('newListener', listening);
    process.nextTick(() => listener('SIGINT'));
  };
  process.on('newListener', listening);
}

describe('a stage', () => {
  it('begins where it says, goes a step of its rate, and keeps what it trained', async () => {
    const { result, weights } = await trainStage(
      stage(
        { prefix: 'line', start: { 'line.weight': { data: Float32Array.of(1), shape: [1] } }, stepsPerRun: 1 },
        { totalSteps: 1, peak: 0.125, warmup: 0, ema: undefined, weightDecay: 0 },
      ),
      options('one'),
    );
    // At (0, -1) and (1, 2) the line y = x is off by 1 and -1: the slope's gradient is below 0, the bias's is 0.
    // Adam's first step is as long as the rate.
    expect(result.losses).toEqual([{ step: 1, loss: 1 }]);
    expect(weights!['line.weight']!.data[0]).toBeCloseTo(1.125, 6);
    expect(weights!['line.bias']!.data[0]).toBeCloseTo(0, 6);
    expect(Object.keys(weights!)).toEqual(['line.weight', 'line.bias']);
  });

  it('gives the same bytes when a signal and a failure came between', async () => {
    const whole = await trainStage(stage(), options('whole'));
    expect(whole.result).toMatchObject({ status: 'finished', step: 12, resumedFrom: null });
    const { state } = whole.result;
    expect(whole.weights).toEqual({ weight: state['ema:weight'], bias: state['ema:bias'] });

    interruptAtOnce();
    const interrupted = await trainStage(stage(), options('resumed'));
    expect(interrupted.result).toMatchObject({ status: 'interrupted', step: 2 });
    expect(interrupted.weights).toBeNull();
    const { batches } = stage();
    await expect(trainStage(stage({ batches: { ...batches, data: { failAt: 7 } } }), options('resumed'))).rejects.toMatchObject({
      code: 'batch-failed',
    });
    const resumed = await trainStage(stage(), options('resumed'));
    expect(resumed.result).toMatchObject({ status: 'finished', step: 12, resumedFrom: 4 });
    expect(resumed.weights).toEqual(whole.weights);
    expect(resumed.result.losses).toEqual(whole.result.losses);
    expect(readFileSync(resumed.result.checkpoint!).equals(readFileSync(whole.result.checkpoint!))).toBe(true);

    await expect(trainStage(stage({ identity: { line: 2 } }), options('whole'))).rejects.toThrow(/config\.line: 1 -> 2/);
  });
});
