/** A network of unet.ts in TensorFlow.js, op by op, on a backend of its own. Started by peer.ts, which asks in messages. */
import * as tf from '@tensorflow/tfjs';
import { compile, scalar, useTfjsBackend, type CompiledFunction } from '@controllab/tfjs-onnx';
import { exampleInputs, forward, initialParameters, initialState, inputSpecs, stepSignature, trainingStep, type Network } from '../unet.ts';
import type { PeerDescription, PeerRun } from './peer.ts';

interface MakeRequest {
  command: 'make';
  config: Network['config'];
  batch: number;
  threads: number;
  learningRate: number;
  mode: 'wasm' | 'tensorflow';
}

/** Sets the backend. @returns the library with its version @throws Error naming what is not installed */
async function setBackend(mode: MakeRequest['mode'], threads: number): Promise<string> {
  if (mode === 'tensorflow') {
    const { backend, runtime, note } = await useTfjsBackend({ threads });
    if (backend !== 'tensorflow') throw new Error(note ?? 'tfjs-node is not usable here');
    return `TensorFlow.js ${tf.version.tfjs}, ${runtime}`;
  }
  const name = '@tensorflow/tfjs-backend-wasm';
  const wasm = (await import(name).catch(() => {
    throw new Error(`${name} is not installed`);
  })) as { setThreadsCount(count: number): void; version_wasm: string };
  wasm.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js cannot set its WebAssembly backend');
  await tf.ready();
  return `TensorFlow.js ${tf.version.tfjs}, WebAssembly`;
}

interface Case {
  network: Network;
  learningRate: number;
  step: CompiledFunction | null;
  predict: CompiledFunction;
  done: number;
}

async function make({ config, batch, threads, learningRate, mode }: MakeRequest): Promise<{ made: Case; reply: PeerDescription }> {
  const network: Network = { name: 'peer', batch, config };
  const library = await setBackend(mode, threads);
  const parameters = initialParameters(network);
  const predict = await compile(forward(network), { inputs: inputSpecs(network), constants: parameters }, { engine: 'tfjs' });
  // WebAssembly has no gradient of a convolution's filter.
  const step = mode === 'wasm' ? null : await compile(trainingStep(network), stepSignature(network), { engine: 'tfjs' });
  if (step !== null) step.state = initialState(parameters);
  return {
    made: { network, learningRate, step, predict, done: 0 },
    reply: {
      library,
      instructions: null,
      threads,
      optimizer: step === null ? null : 'AdamW, op by op',
      ceiling: null,
      parameters: Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0),
    },
  };
}

async function steps(made: Case, count: number): Promise<number[]> {
  const inputs = exampleInputs(made.network);
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const t = ++made.done;
    const corrections = { biasCorrection1: scalar(1 / (1 - 0.9 ** t)), biasCorrection2: scalar(1 / (1 - 0.999 ** t)) };
    const { loss } = await made.step!.run({ ...inputs, learningRate: scalar(made.learningRate), ...corrections });
    losses.push(loss!.data[0]!);
  }
  return losses;
}

async function meanSquare({ network, predict }: Case): Promise<number> {
  const { sample, time, context } = exampleInputs(network);
  const { data } = (await predict.run({ sample, time, context })).noise!;
  return (data as Float32Array).reduce((sum, x) => sum + x * x, 0) / data.length;
}

let current: Case | null = null;

process.on('message', async (request: MakeRequest | { command: 'step'; count: number } | { command: 'forward' }) => {
  const timed = async (work: () => Promise<number[]>): Promise<PeerRun> => {
    const start = performance.now();
    const values = await work();
    return { ms: performance.now() - start, values };
  };
  try {
    if (request.command === 'make') {
      const { made, reply } = await make(request);
      current = made;
      process.send!(reply);
    } else if (request.command === 'step') process.send!(await timed(() => steps(current!, request.count)));
    else process.send!(await timed(async () => [await meanSquare(current!)]));
  } catch (error) {
    process.send!({ error: (error as Error).message });
  }
});
