/**
 * Measures one network in a process of its own (so that its peak memory is its own), alternating with its peers.
 * Started by run-bench.ts, which sends a Job and gets a CaseResult.
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
  type Provider,
  type Signature,
  type Traceable,
} from '@controllab/tfjs-onnx';
import { ON_CUDA, Peer, PeerAbsent, PEERS, type PeerDescription, type PeerId, type PeerRun } from './peers/peer.ts';
import { medianInterval, round, summary, type MedianInterval, type Summary } from './statistics.ts';
import { exampleInputs, forward, initialParameters, inputSpecs, initialState, stepSignature, trainingStep, type Network } from './unet.ts';

export interface Job {
  network: Network;
  what: 'step' | 'forward';
  stepsPerRun: number;
  rounds: number;
  threads: number;
  provider: Provider;
  peers: readonly PeerId[];
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
  peers: CasePeer[];
  /** Peers that were asked for, and why they are not among those. */
  notMeasured: { id: PeerId; name: string; reason: string }[];
}

export interface CasePeer extends PeerDescription {
  id: PeerId;
  name: string;
  ms: Summary;
  gflops: { median: number; best: number };
  /** Our time over the peer's, of each pair of a round: below 1 is faster than the peer. */
  ratio: MedianInterval;
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
  call(compiled: CompiledFunction): Promise<PeerRun>;
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

/** A peer at work. */
interface Opened {
  peer: Peer;
  description: PeerDescription;
  runs: PeerRun[];
}

/** Starts the peers that can do the case; what stops the others goes to `notMeasured`. */
async function openPeers(
  { network, what, threads, provider, peers }: Job,
  count: number,
  notMeasured: CaseResult['notMeasured'],
): Promise<Opened[]> {
  const opened: Opened[] = [];
  for (const entry of PEERS.filter(({ id }) => peers.includes(id))) {
    const absent = (reason: string): void => void notMeasured.push({ id: entry.id, name: entry.label, reason });
    if (what === 'step' && !entry.trains) {
      absent('it does not train convolutions');
      continue;
    }
    if (provider !== 'cpu' && !ON_CUDA.includes(entry.id)) {
      absent('it is timed on the processor alone');
      continue;
    }
    try {
      const { peer, description } = await Peer.open(entry, network, {
        threads,
        learningRate: LEARNING_RATE,
        device: provider === 'cpu' ? 'cpu' : 'cuda',
      });
      if (description.parameters !== count)
        throw new Error(`${network.name} has ${count} parameters here and ${description.parameters} in ${entry.label}`);
      opened.push({ peer, description, runs: [] });
    } catch (error) {
      if (!(error instanceof PeerAbsent)) throw error;
      absent(error.message);
    }
  }
  return opened;
}

/** One run of everything, beginning with another one each time. A peer that fails is measured no more. */
async function oneRound(
  order: number,
  opened: Opened[],
  { what, stepsPerRun }: Job,
  own: () => Promise<void>,
  notMeasured: CaseResult['notMeasured'],
): Promise<void> {
  const turns: (() => Promise<void>)[] = opened.map((one) => async () => {
    try {
      one.runs.push(what === 'step' ? await one.peer.step(stepsPerRun) : await one.peer.forward());
    } catch (error) {
      if (!(error instanceof PeerAbsent)) throw error;
      notMeasured.push({ id: one.peer.entry.id, name: one.peer.entry.label, reason: error.message });
      one.peer.close();
      opened.splice(opened.indexOf(one), 1);
    }
  });
  turns.push(own);
  for (let i = 0; i < turns.length; i++) await turns[(i + order) % turns.length]!();
}

async function measure(job: Job): Promise<CaseResult> {
  const { network, what, stepsPerRun, rounds, threads, provider } = job;
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
  } = await watchSession(() => compile(fn, signature, { threads, stepsPerRun, provider, name: network.name }));

  const count = Object.values(parameters).reduce((sum, t) => sum + t.data.length, 0);
  const notMeasured: CaseResult['notMeasured'] = [];
  const opened = await openPeers(job, count, notMeasured);
  const ours: PeerRun[] = [];
  const warmUp = Math.ceil(WARM_UP_STEPS / stepsPerRun);
  for (let i = 0; i < warmUp + rounds; i++) {
    await oneRound(i, opened, job, async () => void ours.push(await call(compiled)), notMeasured);
    process.stderr.write('.');
  }
  for (const { peer } of opened) peer.close();
  const peakRssMB = peakRss();
  await compiled.release();

  const timed = (runs: readonly PeerRun[]): number[] => runs.slice(warmUp).map(({ ms }) => ms / stepsPerRun);
  const speed = ({ median, min }: Summary): { median: number; best: number } => ({
    median: round((2 * macs) / median / 1e6),
    best: round((2 * macs) / min / 1e6),
  });
  const casePeer = ({ peer: { entry }, description, runs }: Opened): CasePeer => {
    const ms = summary(timed(runs));
    const theirs = timed(runs);
    const differences = ours.flatMap(({ values }, i) => values.map((x, j) => Math.abs(x - runs[i]!.values[j]!) / Math.abs(x)));
    return {
      id: entry.id,
      name: entry.label,
      ...description,
      ms,
      gflops: speed(ms),
      ratio: medianInterval(timed(ours).map((x, i) => x / theirs[i]!)),
      valueDifference: round(Math.max(...differences), 2),
    };
  };
  const ms = summary(timed(ours));
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
    peers: opened.map(casePeer),
    notMeasured,
  };
}

process.once('message', async (job: Job) => {
  process.send!(await measure(job));
  process.disconnect();
});
