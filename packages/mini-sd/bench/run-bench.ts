import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { benchMachine, printBench } from '@controllab/command-line';
import * as tf from '@tensorflow/tfjs';
import { createSampler } from '@controllab/base-model';
import { initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { normal } from '@controllab/data';
import { CONTEXT_LENGTH } from '@controllab/emoji-scenes';
import { hintWidths } from '@controllab/controlnet';
import { LATENT_CHANNELS, LATENT_SIZE, MINI_UNET, miniUNet, openMini, TEXT_WIDTH } from '@controllab/mini-sd';
import { median } from '@controllab/report';
import { compile, type HostTensor, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { bestCeiling, ownCeiling } from '@controllab/tfjs-onnx/bench/ceiling';
import { medianInterval } from '@controllab/tfjs-onnx/bench/statistics';
import { compileTrainStep, constantRate, initialTrainState, optimizerInputs } from '@controllab/training';
import { unetRecipe } from '../src/pretrain/unet.ts';
import { COMMITTED_TIER } from '../src/names.ts';
import type { BenchOptions } from './command.ts';
import { controlStep } from './control-step.ts';
import { openPeers, PEER_IDS, type CasePeers, type PeerId, type Run } from './peers.ts';

const SEED = 1;
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
const predict = ({ sample, timesteps, context }: NamedTensors) => unet.forward(sample!, timesteps!, context!);

/** The weights of a module as one file of numbers, and where in it each parameter begins. @param prefix what is left out of their names */
function writeWeights(file: string, tensors: Record<string, HostTensor>, prefix: RegExp) {
  const starts: Record<string, number> = {};
  const chunks: Buffer[] = [];
  let position = 0;
  for (const [name, { data }] of Object.entries(tensors)) {
    starts[name.replace(prefix, '')] = position;
    chunks.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    position += data.length;
  }
  fs.writeFileSync(file, Buffer.concat(chunks));
  return { file, starts };
}

interface Case {
  name: string;
  timed: string;
  /** Of one run. */
  samples: number;
  /** Multiply-accumulates of one run; null where they are not counted. */
  macs: number | null;
  ours(): Promise<Run>;
  others: CasePeers;
  release(): Promise<void>;
}

const timed = async <T>(f: () => Promise<T>): Promise<{ seconds: number; result: T }> => {
  const start = performance.now();
  const result = await f();
  return { seconds: (performance.now() - start) / 1000, result };
};

/** What the cases are made for. */
interface Setting {
  /** Batch of the U-Net's training; ControlNet's. */
  trainingBatch: number;
  controlBatch: number;
  pictures: number;
  peers: readonly PeerId[];
  /** Of files that peers read. */
  directory: string;
}

/** The ablation's batch. */
const CONTROL_BATCH = 8;

const stacked = (inputs: Record<string, HostTensor>): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => {
      const all = new Float32Array(STEPS_PER_RUN * data.length);
      for (let k = 0; k < STEPS_PER_RUN; k++) all.set(data as Float32Array, k * data.length);
      return [name, { data: all, shape: [STEPS_PER_RUN, ...shape] }];
    }),
  );

/** Calls of STEPS_PER_RUN steps on one batch. */
function stepCall(step: Awaited<ReturnType<typeof compileTrainStep>>, inputs: Record<string, HostTensor>): () => Promise<Run> {
  const batch = stacked(inputs);
  let done = 0;
  return async () => {
    const schedule = optimizerInputs(step.optimizer, constantRate({ peak: LEARNING_RATE }), done, STEPS_PER_RUN);
    done += STEPS_PER_RUN;
    const { seconds, result } = await timed(() => step.run({ ...batch, ...schedule }));
    return { seconds, values: [...result.loss!.data] };
  };
}

const unetModel = (directory: string) => ({
  config: MINI_UNET,
  weights: writeWeights(path.join(directory, 'unet.bin'), weights, /^unet\./),
});

async function controlTraining({ controlBatch, peers, directory }: Setting): Promise<Case> {
  const { definition, base, control, initialState, inputs } = controlStep(controlBatch);
  const step = await compileTrainStep(definition, { stepsPerRun: STEPS_PER_RUN, threads });
  step.state = initialState;
  const config = { ...MINI_UNET, conditioning_embedding_out_channels: hintWidths(openMini().denoiser().target) };
  const others = await openPeers(
    {
      unet: { config: MINI_UNET, weights: writeWeights(path.join(directory, 'base.bin'), base, /^$/) },
      control: { config, weights: writeWeights(path.join(directory, 'control.bin'), control, /^control\./) },
      inputs,
      threads,
      training: { learningRate: LEARNING_RATE, weightDecay: definition.optimizer!.weightDecay!, ema: null, recompute: false },
      stepsPerRun: STEPS_PER_RUN,
    },
    peers,
  );
  return {
    name: 'ControlNet, training step',
    timed: `${STEPS_PER_RUN} steps: forward pass through the frozen U-Net, gradients of the control network, AdamW, at batch ${controlBatch}`,
    samples: STEPS_PER_RUN * controlBatch,
    macs: STEPS_PER_RUN * step.cost!.macs,
    ours: stepCall(step, inputs),
    others,
    release: () => step.release(),
  };
}

async function trainingStep({ trainingBatch, peers, directory }: Setting): Promise<Case> {
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
  const others = await openPeers(
    {
      unet: unetModel(directory),
      control: null,
      inputs,
      threads,
      // The decay of compileTrainStep and of PyTorch.
      training: { learningRate: LEARNING_RATE, weightDecay: 0.01, ema: recipe.ema, recompute: false },
      stepsPerRun: STEPS_PER_RUN,
    },
    peers,
  );
  return {
    name: 'U-Net, training step',
    timed: `${STEPS_PER_RUN} steps: forward pass, gradients, AdamW and averaged weights, at batch ${trainingBatch}`,
    samples: STEPS_PER_RUN * trainingBatch,
    macs: STEPS_PER_RUN * step.cost!.macs,
    ours: stepCall(step, inputs),
    others,
    release: () => step.release(),
  };
}

async function prediction({ pictures, peers, directory }: Setting): Promise<Case> {
  const batch = 2 * pictures;
  const inputs = inputsOf(batch);
  const compiled = await compile(
    ({ inputs: fed, constants }) => ({ outputs: { v: withParameters(modules, constants, () => predict(fed)) } }),
    { inputs: specs(shapesOf(batch)), constants: weights },
    { threads, name: 'U-Net' },
  );
  const others = await openPeers({ unet: unetModel(directory), control: null, inputs, threads, training: null, stepsPerRun: null }, peers);
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
    others,
    release: () => compiled.release(),
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
    others: { peers: [], notMeasured: [] },
    release: () => sampler.release(),
  };
}

const rounded = (x: number, digits = 4): number => Number(x.toPrecision(digits));

interface Measured {
  item: Case;
  ours: Run[];
  theirs: Run[][];
}

/** Times a case in turns with its peers, beginning with another one each round, and lets go of it. */
async function timeCase(item: Case, rounds: number): Promise<Measured> {
  process.stderr.write(`${item.name} `);
  const ours: Run[] = [];
  const { peers } = item.others;
  const theirs: Run[][] = peers.map(() => []);
  const turns = [
    ...peers.map(
      ({ run }, i) =>
        async () =>
          void theirs[i]!.push(await run()),
    ),
    async () => void ours.push(await item.ours()),
  ];
  for (let i = 0; i < WARM_UP + rounds; i++) {
    for (let k = 0; k < turns.length; k++) await turns[(i + k) % turns.length]!();
    process.stderr.write('.');
  }
  for (const peer of peers) peer.close();
  await item.release();
  process.stderr.write('\n');
  return { item, ours, theirs };
}

const secondsOf = (runs: readonly Run[]): number[] => runs.slice(WARM_UP).map(({ seconds }) => seconds);
const secondsShown = (seconds: readonly number[]) => ({ median: rounded(median(seconds)), samples: seconds.map((x) => rounded(x)) });

/** A case's numbers as they are printed. */
function summary({ item: { name, timed: what, samples, macs, others }, ours, theirs }: Measured, ceiling: number): object {
  const seconds = secondsOf(ours);
  const gflops = (times: readonly number[]): number | null => (macs === null ? null : rounded((2 * macs) / median(times) / 1e9));
  const share = (value: number | null): number | null => (value === null ? null : rounded(value / ceiling, 3));
  return {
    name,
    timed: what,
    seconds: secondsShown(seconds),
    samplesPerSecond: rounded(samples / median(seconds)),
    gflops: gflops(seconds),
    shareOfCeiling: share(gflops(seconds)),
    value: ours.at(-1)!.values.at(-1),
    peers: others.peers.map(({ name: peer, library }, i) => {
      const times = secondsOf(theirs[i]!);
      const differences = theirs[i]!.flatMap(({ values }, k) => values.map((x, j) => Math.abs(ours[k]!.values[j]! / x - 1)));
      return {
        name: peer,
        library,
        seconds: secondsShown(times),
        gflops: gflops(times),
        shareOfCeiling: share(gflops(times)),
        // Of each pair of a round: below 1 is faster than the peer.
        timeRatio: medianInterval(seconds.map((x, k) => x / times[k]!)),
        largestDifference: rounded(Math.max(...differences), 2),
      };
    }),
    notMeasured: others.notMeasured,
  };
}

/** Runs every case and prints the JSON. */
export async function runBench(
  { rounds, quick, peers = PEER_IDS.filter((id) => !quick || id !== 'compile') }: BenchOptions,
  command: string,
): Promise<void> {
  const loadBefore = os.loadavg()[0]!;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mini-sd-bench-'));
  const setting: Setting = {
    trainingBatch: quick ? 2 : recipe.batchSize,
    controlBatch: quick ? 2 : CONTROL_BATCH,
    pictures: quick ? 1 : PICTURES,
    peers,
    directory,
  };
  const ceiling = async () => ({ name: 'ONNX Runtime', ceiling: await ownCeiling({ threads, provider: 'cpu', quick }) });
  const ceilings = [await ceiling()];
  const measured: Measured[] = [];
  try {
    for (const make of [trainingStep, controlTraining, prediction, drawing]) measured.push(await timeCase(await make(setting), rounds));
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
  // The machine may have been busy the first time: what counts is the best it showed in this run.
  ceilings.push(await ceiling());
  const best = bestCeiling(ceilings);
  printBench({
    command,
    machine: benchMachine(threads, loadBefore),
    ceiling: { ...best, what: 'best square matrix product and 3 x 3 convolution in ONNX Runtime, before and after' },
    cases: measured.map((one) => summary(one, best.gflops)),
  });
}
