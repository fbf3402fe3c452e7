import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ort from 'onnxruntime-node';
import { cost } from './cost.ts';
import { eagerFunction } from './eager.ts';
import { TfjsOnnxError } from './errors.ts';
import type { Cost, Graph, Value } from './graph.ts';
import { lower, NEXT, OUT } from './lower.ts';
import type { Provider } from './ops/index.ts';
import { trace, type Signature, type Traceable } from './trace.ts';
import { dtypeOf, isExternal, showShape, sizeOf, type HostTensor, type Shape } from './types.ts';

export interface CompileOptions {
  /** 'onnx' traces and compiles; 'tfjs' runs the function eagerly on the current tfjs backend. */
  engine?: 'onnx' | 'tfjs';
  /** ONNX Runtime execution provider. */
  provider?: Provider;
  /** Intra-op threads; all cores by default. */
  threads?: number;
  /** For error messages. */
  name?: string;
  /** K > 1 runs K steps per call: every input is stacked [K, ...] and so is every output; state advances K times. */
  stepsPerRun?: number;
}

export interface CompiledFunction {
  /** Values carried from run to run; set it before the first run of a function with state. */
  state: Record<string, HostTensor>;
  readonly stepsPerRun: number;
  /** Null on the eager engine. */
  readonly cost: Cost | null;
  /** Runs the function; the new state is visible once the promise resolves, and unchanged if it rejects. */
  run(inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** @throws missing-tensor, unexpected-tensor or shape-mismatch, listing every tensor that does not fit */
export function checkTensors(what: string, given: Record<string, HostTensor>, expected: Iterable<[string, { shape: Shape; dtype: string }]>): void {
  const problems: string[] = [];
  const known = new Set<string>();
  let code: 'missing-tensor' | 'unexpected-tensor' | 'shape-mismatch' = 'shape-mismatch';
  for (const [name, { shape, dtype }] of expected) {
    known.add(name);
    const t = given[name];
    if (t === undefined) {
      code = 'missing-tensor';
      problems.push(`'${name}' ${showShape(shape)} is missing`);
    } else if (t.shape.length !== shape.length || t.shape.some((d, i) => d !== shape[i])) problems.push(`'${name}' is ${showShape(t.shape)}, expected ${showShape(shape)}`);
    else if (t.data.length !== sizeOf(shape)) problems.push(`'${name}' has ${t.data.length} values for shape ${showShape(shape)}`);
    else if (dtypeOf(t) !== dtype) problems.push(`'${name}' is ${dtypeOf(t)}, expected ${dtype}`);
  }
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    code = 'unexpected-tensor';
    problems.push(`'${name}' is not one of [${[...known].join(', ')}]`);
  }
  if (problems.length > 0) throw new TfjsOnnxError(code, `${what}: ${problems.slice(0, 8).join('; ')}${problems.length > 8 ? `; and ${problems.length - 8} more` : ''}`, { problems });
}

function sessionOptions({ provider = 'cpu', threads = os.cpus().length }: CompileOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all', ...(process.env.PROF ? { enableProfiling: true, profileFilePrefix: '/tmp/prof' } : {}),
    logSeverityLevel: 3,
    // Several sessions live in one process: idle threads of one must not spin on the cores of another.
    extra: { session: { force_spinning_stop: '1' } },
  };
}

/** A folder that holds a model beside links to the files it uses in place; ONNX Runtime refuses paths that leave the model's folder. */
function stage(files: string[]): { directory: string; link: (file: string) => string; remove: () => void } {
  // Hard links need one file system, so stage beside the first file when that is writable.
  const make = (parent: string): string => mkdtempSync(path.join(parent, '.tfjs-onnx-'));
  let directory: string;
  try {
    directory = make(path.dirname(files[0]!));
  } catch {
    directory = make(os.tmpdir());
  }
  const names = new Map<string, string>();
  for (const file of new Set(files)) {
    const name = path.join(directory, `${names.size}.bin`);
    try {
      linkSync(file, name);
    } catch {
      symlinkSync(path.resolve(file), name);
    }
    names.set(file, name);
  }
  return { directory, link: (file) => names.get(file)!, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

async function createSession(graph: Graph, signature: Signature, options: CompileOptions): Promise<ort.InferenceSession> {
  const lowering = { provider: options.provider ?? 'cpu', stepsPerRun: options.stepsPerRun ?? 1 };
  const external = Object.values(signature.constants ?? {}).filter(isExternal);
  try {
    if (external.length === 0) return await ort.InferenceSession.create(lower(graph, { ...lowering, directory: null }), sessionOptions(options));
    const staged = stage(external.map((t) => t.file));
    try {
      const model = path.join(staged.directory, `${randomUUID()}.onnx`);
      writeFileSync(model, lower(graph, { ...lowering, directory: staged.directory, locate: staged.link }));
      return await ort.InferenceSession.create(model, sessionOptions(options));
    } finally {
      staged.remove();
    }
  } catch (cause) {
    if (cause instanceof TfjsOnnxError) throw cause;
    throw new TfjsOnnxError('session', `ONNX Runtime could not load ${options.name ?? 'the compiled function'} for provider ${lowering.provider}: ${(cause as Error).message}`, { provider: lowering.provider }, { cause });
  }
}

/**
 * Compiles a tfjs function: trace, lower to one ONNX graph, load it into ONNX Runtime. Each run is then one native call.
 * @param fn plain tfjs over named tensors; gradients (valueAndGrads) and the optimizer (adamw) may be part of it
 * @throws TfjsOnnxError naming op, shapes and module path for whatever cannot be traced, lowered or loaded
 */
export async function compile(fn: Traceable, signature: Signature, options: CompileOptions = {}): Promise<CompiledFunction> {
  if (options.engine === 'tfjs') return eagerFunction(fn, signature, options);
  const graph = trace(fn, signature);
  const session = await createSession(graph, signature, options);
  const stepsPerRun = options.stepsPerRun ?? 1;
  const name = options.name ?? 'compiled function';
  const stacked = ([key, { shape, dtype }]: [string, Value]): [string, { shape: Shape; dtype: string }] => [key, { shape: stepsPerRun > 1 ? [stepsPerRun, ...shape] : shape, dtype }];
  const inputs = [...graph.inputs].map(stacked);
  const feed = (t: HostTensor): ort.Tensor => (t.data instanceof Int32Array ? new ort.Tensor('int32', t.data, t.shape) : new ort.Tensor('float32', t.data, t.shape));
  const host = (t: ort.Tensor): HostTensor => ({ data: t.data as Float32Array | Int32Array, shape: t.dims });
  let state: Record<string, HostTensor> = {};
  // Tensors that came back from a run are fed again as they are.
  let carried: Record<string, ort.Tensor> | null = graph.state.size === 0 ? {} : null;

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
    },
    async run(given) {
      if (carried === null) throw new TfjsOnnxError('missing-tensor', `${name}: set .state (${graph.state.size} tensors) before the first run`);
      checkTensors(`${name}: inputs`, given, inputs);
      // Inputs that the function never reads are not part of the model.
      const feeds: Record<string, ort.Tensor> = { ...carried };
      for (const [key, t] of Object.entries(given)) feeds[key] = feed(t);
      const results = await session.run(feeds);
      const outputs: Record<string, HostTensor> = {};
      const nextCarried: Record<string, ort.Tensor> = {};
      const nextState: Record<string, HostTensor> = {};
      for (const [key, t] of Object.entries(results)) {
        if (key.startsWith(OUT)) outputs[key.slice(OUT.length)] = host(t);
        else {
          nextCarried[key.slice(NEXT.length)] = t;
          nextState[key.slice(NEXT.length)] = host(t);
        }
      }
      carried = nextCarried;
      state = nextState;
      return outputs;
    },
    release: () => session.release(),
  };
}

/**
 * Writes a function as a stand-alone .onnx file that any ONNX runtime can run: inputs and state keep their names,
 * outputs are called 'out NAME' and next state 'next NAME'. Host constants are stored inside; external ones must lie in or below the file's folder.
 */
export function saveOnnx(fn: Traceable, signature: Signature, file: string, { provider = 'cpu', stepsPerRun = 1 }: Pick<CompileOptions, 'provider' | 'stepsPerRun'> = {}): Graph {
  const graph = trace(fn, signature);
  const directory = path.dirname(path.resolve(file));
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, lower(graph, { provider, stepsPerRun, directory }));
  return graph;
}
