import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ort from 'onnxruntime-node';
import { checkTensors } from './check-tensors.ts';
import { cost } from './cost.ts';
import { eagerFunction } from './eager.ts';
import { TfjsOnnxError } from './errors.ts';
import type { Cost, Graph, Value } from './graph.ts';
import { lower, NEXT, OUT } from './lower.ts';
import { noteNetworkRun, type NetworkRun } from './network-runs.ts';
import type { Provider } from './ops/index.ts';
import { trace, type Signature, type Traceable } from './trace.ts';
import { isExternal, sizeOf, type HostTensor, type Shape } from './types.ts';

export interface CompileOptions {
  /** 'onnx' traces and compiles; 'tfjs' runs the function eagerly on the current tfjs backend. */
  engine?: 'onnx' | 'tfjs';
  /** ONNX Runtime execution provider. */
  provider?: Provider;
  /** Intra-op threads; all cores by default. */
  threads?: number;
  /** For error messages and records of what ran. */
  name?: string;
  /** K > 1 runs K steps per call: every input is stacked [K, ...] and so is every output; state advances K times. */
  stepsPerRun?: number;
}

interface ProfiledOptions extends CompileOptions {
  /** ONNX Runtime writes how long each node took to a file whose name begins so, when the function is released. */
  profileAt?: string;
}

export interface CompiledFunction {
  /**
   * Values carried from run to run; set it before the first run of a function with state. What is set is never written to, but arrays
   * that a run made are used again: they hold until the end of the run after the next.
   */
  state: Record<string, HostTensor>;
  readonly stepsPerRun: number;
  /** Null on the eager engine. */
  readonly cost: Cost | null;
  /**
   * Runs the function; the new state is visible once the promise resolves, and unchanged if it rejects.
   * NaN and infinities flow through to outputs and state as in IEEE arithmetic: a caller that trains checks the loss.
   * @throws missing-tensor, unexpected-tensor or shape-mismatch, by name
   */
  run(inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** State above which memory counts for more than the time that allocating takes. */
const LARGE_STATE = 2 ** 30;

const stateBytes = ({ state }: Graph): number => [...state.values()].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);

function sessionOptions(
  graph: Graph,
  { provider = 'cpu', threads = os.availableParallelism() }: CompileOptions,
): ort.InferenceSession.SessionOptions {
  const large = stateBytes(graph) >= LARGE_STATE;
  return {
    // ONNX Runtime plans a run's memory from the run before and keeps both: 2 GB more for a step of a ControlNet on Stable Diffusion 1.5.
    enableMemPattern: !large,
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Several sessions live in one process: idle threads of one must not spin on the cores of another.
    extra: {
      session: { force_spinning_stop: '1' },
      // Turned and transposed frozen weights, folded, double the start-up of such a step, which itself takes no longer without.
      ...(large && { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  };
}

/** ONNX Runtime reads external data only below one folder; the root of the drive that holds the files allows any path, and links. */
function externalRoot(signature: Signature): string | null {
  const files = Object.values(signature.constants ?? {})
    .filter(isExternal)
    .map((t) => t.file);
  const roots = [...new Set(files.map((file) => path.parse(path.resolve(file)).root))];
  if (roots.length > 1)
    throw new TfjsOnnxError('session', `constants lie on several drives (${roots.join(', ')}); ONNX Runtime reads them from one`, {
      files,
    });
  return roots[0] ?? null;
}

/** What to do when a provider does not load. */
const PROVIDER_HINTS: Record<Provider, string> = {
  cpu: '',
  webgpu: '; WebGPU needs a graphics card with a Vulkan, Metal or Direct3D 12 driver',
  cuda: "; CUDA needs an NVIDIA driver, CUDA 12 and cuDNN 9, and ONNX Runtime's library for it: npm run install:onnxruntime-cuda",
};

export function checkOptions({ engine = 'onnx', provider = 'cpu', stepsPerRun = 1 }: CompileOptions): void {
  if (engine !== 'onnx' && engine !== 'tfjs')
    throw new TfjsOnnxError('engine-unavailable', `there is no engine '${String(engine)}'; use 'onnx' or 'tfjs'`, { engine });
  if (!Number.isInteger(stepsPerRun) || stepsPerRun < 1)
    throw new TfjsOnnxError('shape-mismatch', `stepsPerRun is ${stepsPerRun}, expected a whole number of at least 1`, { stepsPerRun });
  if (engine === 'tfjs') return;
  if (!Object.hasOwn(PROVIDER_HINTS, provider))
    throw new TfjsOnnxError(
      'engine-unavailable',
      `there is no provider '${String(provider)}'; use ${Object.keys(PROVIDER_HINTS).join(', ')}`,
      { provider },
    );
  // ONNX Runtime drops a provider that its build lacks and computes on the CPU: say so instead.
  const built = ort.listSupportedBackends().map(({ name }) => name);
  if (!built.includes(provider)) {
    throw new TfjsOnnxError(
      'engine-unavailable',
      `onnxruntime-node for ${process.platform} ${process.arch} has no provider '${provider}'; it has ${built.join(', ')}`,
      { provider, built },
    );
  }
}

async function createSession(graph: Graph, signature: Signature, options: ProfiledOptions): Promise<ort.InferenceSession> {
  const { provider = 'cpu', stepsPerRun = 1 } = options;
  const directory = externalRoot(signature);
  const model = lower(graph, { provider, stepsPerRun, directory });
  const settings = sessionOptions(graph, options);
  if (options.profileAt !== undefined) Object.assign(settings, { enableProfiling: true, profileFilePrefix: options.profileAt });
  if (directory !== null)
    settings.extra = {
      ...settings.extra,
      session: { ...(settings.extra!.session as object), model_external_initializers_file_folder_path: directory },
    };
  try {
    return await ort.InferenceSession.create(model, settings);
  } catch (cause) {
    throw new TfjsOnnxError(
      'session',
      `ONNX Runtime could not load ${options.name ?? 'the compiled function'} for provider ${provider}: ${(cause as Error).message.trim()}${PROVIDER_HINTS[provider]}`,
      { provider },
      { cause },
    );
  }
}

/**
 * Compiles a tfjs function: trace, lower to one ONNX graph, load it into ONNX Runtime. Each run is then one native call.
 * @param fn plain tfjs over named tensors; gradients (valueAndGrads) and the optimizer (adamw) may be part of it
 * @throws TfjsOnnxError naming op, shapes and module path for whatever cannot be traced, lowered or loaded
 */
export async function compile(fn: Traceable, signature: Signature, options: CompileOptions = {}): Promise<CompiledFunction> {
  checkOptions(options);
  if (options.engine === 'tfjs') return eagerFunction(fn, signature, options);
  return compileGraph(trace(fn, signature), signature, options);
}

/** `compile` of a function that is traced already. */
export async function compileGraph(graph: Graph, signature: Signature, options: ProfiledOptions): Promise<CompiledFunction> {
  const session = await createSession(graph, signature, options);
  const stepsPerRun = options.stepsPerRun ?? 1;
  const { name = 'compiled function', provider = 'cpu', threads = os.availableParallelism() } = options;
  const ran: NetworkRun = { name, engine: 'onnx', provider, threads, stateful: graph.state.size > 0 };
  noteNetworkRun(ran);
  const stacked = ([key, { shape, dtype }]: [string, Value]): [string, { shape: Shape; dtype: string }] => [
    key,
    { shape: stepsPerRun > 1 ? [stepsPerRun, ...shape] : shape, dtype },
  ];
  const inputs = [...graph.inputs].map(stacked);
  const feed = (t: HostTensor): ort.Tensor =>
    t.data instanceof Int32Array ? new ort.Tensor('int32', t.data, t.shape) : new ort.Tensor('float32', t.data, t.shape);
  const host = (t: ort.Tensor): HostTensor => ({ data: t.data as Float32Array | Int32Array, shape: t.dims });
  const fresh = ({ shape, dtype }: Value): ort.Tensor =>
    feed({ data: new (dtype === 'int32' ? Int32Array : Float32Array)(sizeOf(shape)), shape });
  const outputs = Object.fromEntries(session.outputNames.map((key) => [key, null]));
  let state: Record<string, HostTensor> = {};
  // Tensors that came back from a run are fed again as they are.
  let carried: Record<string, ort.Tensor> | null = graph.state.size === 0 ? {} : null;
  // The next state goes to where the last but one was, which ONNX Runtime would allocate anew; Node's binding copies it out all the same.
  let own: Record<string, ort.Tensor> | null = null;
  let spare: Record<string, ort.Tensor> | null = null;

  return {
    stepsPerRun,
    cost: cost(graph),
    get state() {
      return state;
    },
    set state(next) {
      checkTensors(`${name}: state`, next, graph.state);
      state = next;
      carried = Object.fromEntries(Object.entries(next).map(([key, t]) => [key, feed(t)]));
      // What is set may be an earlier state: its arrays are the caller's from now on.
      own = null;
      spare = null;
    },
    async run(given) {
      if (carried === null)
        throw new TfjsOnnxError('missing-tensor', `${name}: set .state (${graph.state.size} tensors) before the first run`);
      checkTensors(`${name}: inputs`, given, inputs);
      noteNetworkRun(ran);
      const feeds: Record<string, ort.Tensor> = { ...carried };
      for (const [key, t] of Object.entries(given)) feeds[key] = feed(t);
      const next = (spare ??= Object.fromEntries([...graph.state].map(([key, value]) => [key, fresh(value)])));
      const results = await session.run(feeds, {
        ...outputs,
        ...Object.fromEntries(Object.entries(next).map(([key, t]) => [NEXT + key, t])),
      });
      [carried, own, spare] = [next, next, own];
      state = Object.fromEntries(Object.entries(next).map(([key, t]) => [key, host(t)]));
      return Object.fromEntries(
        Object.entries(results).flatMap(([key, t]) => (key.startsWith(OUT) ? [[key.slice(OUT.length), host(t)]] : [])),
      );
    },
    release: () => {
      if (options.profileAt !== undefined) session.endProfiling();
      return session.release();
    },
  };
}

/**
 * Writes a function as a stand-alone .onnx file for ONNX Runtime in any language (some nodes are of its own operator set): inputs and state
 * keep their names, outputs are called 'out NAME' and next state 'next NAME'. Host constants are stored inside; external ones must lie in
 * or below the file's folder.
 */
export function saveOnnx(
  fn: Traceable,
  signature: Signature,
  file: string,
  { provider = 'cpu', stepsPerRun = 1 }: Pick<CompileOptions, 'provider' | 'stepsPerRun'> = {},
): Graph {
  const graph = trace(fn, signature);
  const directory = path.dirname(path.resolve(file));
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, lower(graph, { provider, stepsPerRun, directory }));
  return graph;
}
