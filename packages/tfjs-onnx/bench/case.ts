/**
 * Measures one network in a process of its own (so that its peak memory is its own), alternating with the peer.
 * Started by bench.ts, which sends a Job and gets a CaseResult.
 */
import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import ort from 'onnxruntime-node';
import {
  compile,
  cost,
  scalar,
  trace,
  type CompiledFunction,
  type HostTensor,
  type Signature,
  type Traceable,
} from '@controllab/tfjs-onnx';
import { Peer, type PeerDescription } from './peer.ts';
import { round, summary, type Summary } from './statistics.ts';
import { exampleInputs, forward, initialParameters, inputSpecs, initialState, stepSignature, trainingStep, type Network } from './unet.ts';

export interface Job {
  network: Network;
  what: 'step' | 'forward';
  stepsPerRun: number;
  rounds: number;
  threads: number;
  python: string | null;
}

export interface CaseResult {
  network: string;
  what: 'step' | 'forward';
  batch: number;
  stepsPerRun: number;
  parameters: number;
  /** Of one step or pass, counted on the traced graph. */
  macs: number;
  /** Nodes of the traced graph, and of the ONNX model made from it. */
  nodes: { traced: number; onnx: number };
  /** Recording the function for the first time in this process. */
  traceMs: number;
  /** ONNX Runtime's part of compile(): parsing, optimising, packing. */
  sessionMs: number;
  /** All of compile(): tracing once more, lowering, and the session. */
  compileMs: number;
  /** Per step or pass. */
  ms: Summary;
  gflops: { median: number; best: number };
  /** High-water mark of the process; null where the platform does not tell. */
  peakRssMB: number | null;
  peer: CasePeer | null;
}

interface CasePeer extends PeerDescription {
  ms: Summary;
  gflops: { median: number; best: number };
  /** Our time over the peer's, of each pair taken one after the other: below 1 is faster than the peer. */
  ratio: Summary;
  /**
   * Largest relative difference between our losses (forward: mean square of the result) and the peer's, from the same parameters and data.
   */
  valueDifference: number;
}

const LEARNING_RATE = 1e-4;
const WARM_UP_STEPS = 2;

interface GraphProto {
  node: { attribute?: { g?: GraphProto | null }[] }[];
}
const countNodes = ({ node }: GraphProto): number =>
  node.reduce((sum, { attribute }) => sum + 1 + (attribute ?? []).reduce((inner, { g }) => inner + (g ? countNodes(g) : 0), 0), 0);

/** Runs `make`, watching the one session it creates. */
async function watchSession<T>(make: () => Promise<T>): Promise<{ result: T; sessionMs: number; nodes: number; totalMs: number }> {
  const create = ort.InferenceSession.create;
  let [sessionMs, nodes, countingMs] = [0, 0, 0];
  ort.InferenceSession.create = (async (model: Uint8Array, options: ort.InferenceSession.SessionOptions) => {
    const counting = performance.now();
    nodes = countNodes(onnxProto.onnx.ModelProto.decode(model).graph as unknown as GraphProto);
    const start = performance.now();
    countingMs = start - counting;
    const session = await create.call(ort.InferenceSession, model, options);
    sessionMs = performance.now() - start;
    return session;
  }) as typeof create;
  try {
    const start = performance.now();
    const result = await make();
    return { result, sessionMs, nodes, totalMs: performance.now() - start - countingMs };
  } finally {
    ort.InferenceSession.create = create;
  }
}

/** Of this process, in MB of 10^6 bytes. */
function peakRss(): number | null {
  if (process.platform !== 'linux') return null;
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? null : round((Number(kilobytes) * 1024) / 1e6, 4);
}

const repeated = ({ data, shape }: HostTensor, times: number): HostTensor => {
  if (times === 1) return { data, shape };
  const all = new Float32Array(data.length * times);
  for (let i = 0; i < times; i++) all.set(data, i * data.length);
  return { data: all, shape: [times, ...shape] };
};

interface Subject {
  fn: Traceable;
  signature: Signature;
  /** One call: how long it took, and what it computed. */
  call(compiled: CompiledFunction): Promise<{ ms: number; values: number[] }>;
}

function stepSubject(network: Network, parameters: Record<string, HostTensor>, stepsPerRun: number): Subject {
  const batch = Object.fromEntries(Object.entries(exampleInputs(network)).map(([name, t]) => [name, repeated(t, stepsPerRun)]));
  let step = 0;
  return {
    fn: trainingStep(network),
    signature: stepSignature(network),
    async call(compiled) {
      if (step === 0) compiled.state = initialState(parameters);
      const ts = Array.from({ length: stepsPerRun }, (_, i) => step + i + 1);
      step += stepsPerRun;
      const perStep = (f: (t: number) => number): HostTensor =>
        stepsPerRun === 1 ? scalar(f(ts[0]!)) : { data: Float32Array.from(ts, f), shape: [stepsPerRun] };
      const given = {
        ...batch,
        learningRate: perStep(() => LEARNING_RATE),
        biasCorrection1: perStep((t) => 1 / (1 - 0.9 ** t)),
        biasCorrection2: perStep((t) => 1 / (1 - 0.999 ** t)),
      };
      const start = performance.now();
      const { loss } = await compiled.run(given);
      return { ms: performance.now() - start, values: [...loss!.data] };
    },
  };
}

function forwardSubject(network: Network, parameters: Record<string, HostTensor>): Subject {
  const { sample, time, context } = exampleInputs(network);
  return {
    fn: forward(network),
    signature: { inputs: inputSpecs(network), constants: parameters },
    async call(compiled) {
      const start = performance.now();
      const { noise } = await compiled.run({ sample, time, context });
      const ms = performance.now() - start;
      return { ms, values: [(noise!.data as Float32Array).reduce((sum, x) => sum + x * x, 0) / noise!.data.length] };
    },
  };
}

async function measure({ network, what, stepsPerRun, rounds, threads, python }: Job): Promise<CaseResult> {
  const parameters = initialParameters(network);
  const { fn, signature, call } = what === 'step' ? stepSubject(network, parameters, stepsPerRun) : forwardSubject(network, parameters);
  const start = performance.now();
  const graph = trace(fn, signature);
  const traceMs = performance.now() - start;
  const { macs } = cost(graph);
  const {
    result: compiled,
    sessionMs,
    nodes,
    totalMs,
  } = await watchSession(() => compile(fn, signature, { threads, stepsPerRun, name: network.name }));

  const peer = python === null ? null : new Peer(python);
  const description = await peer?.make(network, threads, LEARNING_RATE);
  const count = Object.values(parameters).reduce((sum, t) => sum + t.data.length, 0);
  if (description !== undefined && description.parameters !== count)
    throw new Error(`${network.name} has ${count} parameters here and ${description.parameters} in peer_torch.py`);

  const ours: { ms: number; values: number[] }[] = [];
  const theirs: { ms: number; values: number[] }[] = [];
  const warmUp = Math.ceil(WARM_UP_STEPS / stepsPerRun);
  for (let i = 0; i < warmUp + rounds; i++) {
    if (peer !== null) theirs.push(what === 'step' ? await peer.step(stepsPerRun) : await peer.forward());
    ours.push(await call(compiled));
    process.stderr.write('.');
  }
  peer?.close();
  const peakRssMB = peakRss();
  await compiled.release();

  const timed = (runs: { ms: number }[]): number[] => runs.slice(warmUp).map(({ ms }) => ms / stepsPerRun);
  const speed = ({ median, min }: Summary): { median: number; best: number } => ({
    median: round((2 * macs) / median / 1e6),
    best: round((2 * macs) / min / 1e6),
  });
  const ms = summary(timed(ours));
  const casePeer = (): CasePeer => {
    const peerMs = summary(timed(theirs));
    const ratios = timed(ours).map((x, i) => x / timed(theirs)[i]!);
    const differences = ours.flatMap(({ values }, i) => values.map((x, j) => Math.abs(x - theirs[i]!.values[j]!) / Math.abs(x)));
    return {
      ...description!,
      ms: peerMs,
      gflops: speed(peerMs),
      ratio: summary(ratios, 3),
      valueDifference: round(Math.max(...differences), 2),
    };
  };
  return {
    network: network.name,
    what,
    batch: network.batch,
    stepsPerRun,
    parameters: count,
    macs,
    nodes: { traced: graph.live().nodes.length, onnx: nodes },
    traceMs: round(traceMs),
    sessionMs: round(sessionMs),
    compileMs: round(totalMs),
    ms,
    gflops: speed(ms),
    peakRssMB,
    peer: peer === null ? null : casePeer(),
  };
}

process.once('message', async (job: Job) => {
  process.send!(await measure(job));
  process.disconnect();
});
