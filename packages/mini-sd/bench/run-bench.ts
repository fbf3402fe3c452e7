import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { benchMachine, printBench } from '@controllab/command-line';
import * as tf from '@tensorflow/tfjs';
import { createSampler } from '@controllab/base-model';
import { initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { normal } from '@controllab/data';
import { CONTEXT_LENGTH } from '@controllab/emoji-scenes';
import { LATENT_CHANNELS, LATENT_SIZE, MINI_UNET, miniUNet, openMini, TEXT_WIDTH } from '@controllab/mini-sd';
import { findPython, TorchUNet, type TorchTensors } from '@controllab/python-peer';
import { median } from '@controllab/report';
import { compile, matmulCeiling, type HostTensor, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { compileTrainStep, constantRate, initialTrainState, optimizerInputs } from '@controllab/training';
import { unetRecipe } from '../src/pretrain/unet.ts';
import { COMMITTED_TIER } from '../src/names.ts';
import type { BenchOptions } from './command.ts';

const SEED = 1;
const CEILING_SIZE = 1024;
const STEPS_PER_RUN = 10;
const PICTURES = 16;
const SAMPLING_STEPS = 20;
/** So small that float32's rounding, and not the path that training takes, decides how far the losses come apart. */
const LEARNING_RATE = 1e-5;
const WARM_UP = 1;

const threads = os.availableParallelism();
const recipe = unetRecipe(COMMITTED_TIER);
const unet = miniUNet();
const modules = { unet };
const weights = initialize(unet, SEED, 'unet');

const made = (name: string, shape: readonly number[]): HostTensor => ({
  data: normal(
    SEED,
    `bench/${name}`,
    0,
    shape.reduce((a, b) => a * b, 1),
  ),
  shape: [...shape],
});
const shapesOf = (batch: number) => ({
  sample: [batch, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE],
  timesteps: [batch],
  context: [batch, CONTEXT_LENGTH, TEXT_WIDTH],
});
const specs = (shapes: Record<string, number[]>): Record<string, TensorSpec> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
const inputsOf = (batch: number): Record<'sample' | 'timesteps' | 'context', HostTensor> => {
  const { sample, timesteps, context } = shapesOf(batch);
  return {
    sample: made('sample', sample),
    timesteps: { data: Float32Array.from({ length: batch }, (_, n) => (1000 * (n + 0.5)) / batch), shape: timesteps },
    context: made('context', context),
  };
};
const plain = (tensors: Record<string, HostTensor>): TorchTensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data, shape }]) => [name, { data: [...data], shape }]));
const predict = ({ sample, timesteps, context }: NamedTensors) => unet.forward(sample!, timesteps!, context!);

/** The starting weights as one file of numbers, and where in it each parameter begins. */
function writeWeights(file: string): { file: string; starts: Record<string, number> } {
  const starts: Record<string, number> = {};
  const chunks: Buffer[] = [];
  let position = 0;
  for (const [name, { data }] of Object.entries(weights)) {
    starts[name.replace(/^unet\./, '')] = position;
    chunks.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    position += data.length;
  }
  fs.writeFileSync(file, Buffer.concat(chunks));
  return { file, starts };
}

interface Run {
  seconds: number;
  /** What it computed: losses, or the mean square of a prediction. */
  values: number[];
}

interface Case {
  name: string;
  timed: string;
  /** Of one run. */
  samples: number;
  /** Multiply-accumulates of one run; null where they are not counted. */
  macs: number | null;
  ours(): Promise<Run>;
  peer: (() => Promise<Run>) | null;
  release(): Promise<void>;
}

const timed = async <T>(f: () => Promise<T>): Promise<{ seconds: number; result: T }> => {
  const start = performance.now();
  const result = await f();
  return { seconds: (performance.now() - start) / 1000, result };
};

/** What the cases are made for. */
interface Setting {
  trainingBatch: number;
  pictures: number;
  /** The interpreter of the peer; null where there is none. */
  python: string | null;
  startingWeights: ReturnType<typeof writeWeights>;
}

async function trainingStep({ trainingBatch, python, startingWeights }: Setting): Promise<Case & { description: object | null }> {
  const inputs = { ...inputsOf(trainingBatch), target: made('target', shapesOf(trainingBatch).sample) };
  const step = await compileTrainStep(
    {
      name: 'U-Net training step',
      trainable: parameterSpecs(modules),
      inputs: specs({ ...shapesOf(trainingBatch), target: shapesOf(trainingBatch).sample }),
      ema: recipe.ema,
      loss: ({ params, inputs: fed }) =>
        withParameters(modules, params, () => ({ loss: tf.mean(tf.squaredDifference(predict(fed), fed.target!)) })),
    },
    { stepsPerRun: STEPS_PER_RUN, threads },
  );
  step.state = initialTrainState(weights, { ema: true });
  const stacked = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => {
      const all = new Float32Array(STEPS_PER_RUN * data.length);
      for (let k = 0; k < STEPS_PER_RUN; k++) all.set(data as Float32Array, k * data.length);
      return [name, { data: all, shape: [STEPS_PER_RUN, ...shape] }];
    }),
  );
  const peer = python === null ? null : new TorchUNet(python);
  const description = await peer?.make({
    config: MINI_UNET,
    weights: startingWeights,
    inputs: plain(inputs),
    threads,
    training: { learningRate: LEARNING_RATE, ema: recipe.ema },
  });
  let done = 0;
  return {
    name: 'U-Net, training step',
    timed: `${STEPS_PER_RUN} steps: forward pass, gradients, AdamW and averaged weights, at batch ${trainingBatch}`,
    samples: STEPS_PER_RUN * trainingBatch,
    macs: STEPS_PER_RUN * step.cost!.macs,
    description: description ?? null,
    async ours() {
      const schedule = optimizerInputs(step.optimizer, constantRate({ peak: LEARNING_RATE }), done, STEPS_PER_RUN);
      done += STEPS_PER_RUN;
      const { seconds, result } = await timed(() => step.run({ ...stacked, ...schedule }));
      return { seconds, values: [...result.loss!.data] };
    },
    peer:
      peer &&
      (async () => {
        const { seconds, losses } = await peer.step(STEPS_PER_RUN);
        return { seconds, values: losses };
      }),
    async release() {
      peer?.close();
      await step.release();
    },
  };
}

async function prediction({ pictures, python, startingWeights }: Setting): Promise<Case> {
  const batch = 2 * pictures;
  const inputs = inputsOf(batch);
  const compiled = await compile(
    ({ inputs: fed, constants }) => ({ outputs: { v: withParameters(modules, constants, () => predict(fed)) } }),
    { inputs: specs(shapesOf(batch)), constants: weights },
    { threads, name: 'U-Net' },
  );
  const peer = python === null ? null : new TorchUNet(python);
  await peer?.make({ config: MINI_UNET, weights: startingWeights, inputs: plain(inputs), threads });
  return {
    name: 'U-Net, prediction',
    timed: `one step of ${pictures} pictures with guidance: ${batch} latents`,
    samples: batch,
    macs: compiled.cost!.macs,
    async ours() {
      const { seconds, result } = await timed(() => compiled.run(inputs));
      const { data } = result.v!;
      return { seconds, values: [(data as Float32Array).reduce((sum, x) => sum + x * x, 0) / data.length] };
    },
    peer:
      peer &&
      (async () => {
        const { seconds, meanSquare } = await peer.forward();
        return { seconds, values: [meanSquare] };
      }),
    async release() {
      peer?.close();
      await compiled.release();
    },
  };
}

async function drawing({ pictures }: Setting): Promise<Case> {
  const sampler = await createSampler(openMini(), { count: pictures, guidance: true }, { threads });
  const prompts = Array.from({ length: pictures }, () => 'a large owl on a teal background');
  return {
    name: 'drawing',
    timed: `${pictures} pictures: prompts, ${SAMPLING_STEPS} DDIM steps with guidance, decoder; not compilation`,
    samples: pictures,
    macs: null,
    async ours() {
      const { seconds, result } = await timed(() => sampler.sample({ prompts, seed: SEED, steps: SAMPLING_STEPS, guidanceScale: 4 }));
      return { seconds, values: [result.reduce((sum, { rgb }) => sum + rgb.reduce((a, b) => a + b, 0) / rgb.length, 0) / result.length] };
    },
    peer: null,
    release: () => sampler.release(),
  };
}

const rounded = (x: number, digits = 4): number => Number(x.toPrecision(digits));

interface Measured {
  item: Case;
  ours: Run[];
  theirs: Run[];
}

/** Times a case in turns with its peer, and lets go of it. */
async function timeCase(item: Case, rounds: number): Promise<Measured> {
  process.stderr.write(`${item.name} `);
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let i = 0; i < WARM_UP + rounds; i++) {
    if (item.peer !== null) theirs.push(await item.peer());
    ours.push(await item.ours());
    process.stderr.write('.');
  }
  await item.release();
  process.stderr.write('\n');
  return { item, ours, theirs };
}

/** A case's numbers as they are printed. */
function summary({ item: { name, timed: what, samples, macs }, ours, theirs }: Measured, ceiling: number): object {
  const seconds = ours.slice(WARM_UP).map((run) => run.seconds);
  const gflops = macs === null ? null : (2 * macs) / median(seconds) / 1e9;
  const differences = theirs.flatMap(({ values }, i) => values.map((x, j) => Math.abs(ours[i]!.values[j]! / x - 1)));
  return {
    name,
    timed: what,
    seconds: { median: rounded(median(seconds)), samples: seconds.map((x) => rounded(x)) },
    samplesPerSecond: rounded(samples / median(seconds)),
    gflops: gflops === null ? null : rounded(gflops),
    shareOfCeiling: gflops === null ? null : rounded(gflops / ceiling, 3),
    value: ours.at(-1)!.values.at(-1),
    peer:
      theirs.length === 0
        ? null
        : {
            seconds: {
              median: rounded(median(theirs.slice(WARM_UP).map((run) => run.seconds))),
              samples: theirs.slice(WARM_UP).map((run) => rounded(run.seconds)),
            },
            // Of each pair taken one after the other: below 1 is faster than the peer.
            timeRatio: rounded(median(seconds.map((x, i) => x / theirs[WARM_UP + i]!.seconds)), 3),
            largestDifference: rounded(Math.max(...differences), 2),
          },
  };
}

/** Runs every case and prints the JSON. */
export async function runBench({ rounds, quick }: BenchOptions, command: string): Promise<void> {
  const loadBefore = os.loadavg()[0]!;
  const found = findPython(['torch', 'numpy']);
  if (found.python === null) process.stderr.write(`no peer: ${found.reason}\n`);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mini-sd-bench-'));
  const setting: Setting = {
    trainingBatch: quick ? 2 : recipe.batchSize,
    pictures: quick ? 1 : PICTURES,
    python: found.python,
    startingWeights: writeWeights(path.join(directory, 'weights.bin')),
  };
  const ceilings = [await matmulCeiling(CEILING_SIZE, { threads })];
  const measured: Measured[] = [];
  let description: object | null = null;
  try {
    for (const make of [trainingStep, prediction, drawing]) {
      const item = await make(setting);
      if ('description' in item) description = item.description as object | null;
      measured.push(await timeCase(item, rounds));
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
  // The machine may have been busy the first time: what counts is the best it showed in this run.
  ceilings.push(await matmulCeiling(CEILING_SIZE, { threads }));
  const ceiling = Math.max(...ceilings);
  const report = {
    command,
    machine: benchMachine(threads, loadBefore),
    ceiling: {
      gflops: rounded(ceiling),
      what: `best product of ${CEILING_SIZE} x ${CEILING_SIZE} matrices in ONNX Runtime, before and after`,
    },
    peer: description,
    peerReason: found.reason,
    cases: measured.map((one) => summary(one, ceiling)),
  };
  printBench(report);
}
