import * as tf from '@tensorflow/tfjs';
import { checkTensors } from './check-tensors.ts';
import type { CompiledFunction, CompileOptions } from './compile.ts';
import { TfjsOnnxError } from './errors.ts';
import { noteNetworkRun, type NetworkRun } from './network-runs.ts';
import { RECORDER } from './nn/dispatch.ts';
import { boolLeaves, checkSignature, type Signature, type Traceable } from './trace.ts';
import { isExternal, showShape, sizeOf, type HostTensor, type NamedTensors, type Shape } from './types.ts';

/** The TensorFlow.js backend that eager functions run on. */
export interface TfjsBackend {
  /** `tensorflow`: TensorFlow's C library through tfjs-node-gpu; `cpu`: plain JavaScript. */
  readonly backend: string;
  /** What computes: "TensorFlow 2.18.1 (CPU)", "JavaScript". */
  readonly runtime: string;
  /** Why it is not TensorFlow; null if it is. */
  readonly note: string | null;
}

/**
 * Makes the fastest installed tfjs backend the current one: tfjs-node-gpu when its native part is there, else plain JavaScript.
 * @param options.threads of TensorFlow's operations, where it was not loaded before; all cores unless told
 */
export async function useTfjsBackend({ threads }: { threads?: number } = {}): Promise<TfjsBackend> {
  // Read when the library is loaded: threads, and no lines about instruction sets on stderr.
  if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  let note: string | null = null;
  let runtime = 'JavaScript';
  try {
    // Optional: its native part comes by a command of its own, which not every machine can run.
    const name = '@tensorflow/tfjs-node-gpu';
    await import(name);
    await tf.setBackend('tensorflow');
    const native = tf.backend() as unknown as { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
    runtime = `TensorFlow ${native.binding.TF_Version} (${native.isUsingGpuDevice ? 'GPU' : 'CPU'})`;
  } catch (cause) {
    note = `tfjs-node-gpu is not usable here (${(cause as Error).message.split('\n')[0]!.trim().replace(/\.$/, '')}); install its native part with 'npm run install:tfjs-gpu' or, for the CPU alone, 'npm run install:tfjs-cpu'. Using tfjs's JavaScript backend, which is slow.`;
    await tf.setBackend('cpu');
  }
  await tf.ready();
  return { backend: tf.getBackend(), runtime, note };
}

const toTensor = ({ data, shape }: HostTensor): tf.Tensor => tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');

async function toHost(t: tf.Tensor): Promise<HostTensor> {
  const data = await t.data();
  // What was cast from booleans is bytes still.
  const int32 = (): Int32Array => (data instanceof Int32Array ? data : Int32Array.from(data));
  return { data: t.dtype === 'int32' ? int32() : Float32Array.from(data as Float32Array), shape: t.shape };
}

/**
 * The same callable as compile() gives, run op by op on the current tfjs backend: the reference that compiled graphs are tested against.
 */
export function eagerFunction(
  fn: Traceable,
  signature: Signature,
  { name = 'eager function', stepsPerRun = 1 }: CompileOptions,
): CompiledFunction {
  if (tf.getBackend() === RECORDER)
    throw new TfjsOnnxError('engine-unavailable', `${name}: set a tfjs backend that computes (useTfjsBackend()) before running eagerly`);
  const stateful = Object.keys(signature.state ?? {}).length > 0;
  const ran = (): NetworkRun => ({ name, engine: 'tfjs', provider: tf.getBackend(), threads: null, stateful });
  noteNetworkRun(ran());
  checkSignature(signature);
  const constants: NamedTensors = {};
  for (const [key, t] of Object.entries(signature.constants ?? {})) {
    if (isExternal(t))
      throw new TfjsOnnxError(
        'engine-unavailable',
        `${name}: constant '${key}' ${showShape(t.shape)} lies in a file, which only the onnx engine uses in place; read it into memory for the tfjs engine`,
        { name: key },
      );
    constants[key] = tf.keep(toTensor(t));
  }
  const specs = (entries: Signature['inputs'], lead: Shape): [string, { shape: Shape; dtype: string }][] =>
    Object.entries(entries ?? {}).map(([key, { shape, dtype = 'float32' }]) => [key, { shape: [...lead, ...shape], dtype }]);
  const inputs = specs(signature.inputs, stepsPerRun > 1 ? [stepsPerRun] : []);
  const stateSpecs = specs(signature.state, []);
  let state: Record<string, HostTensor> = {};

  const step = async (given: Record<string, HostTensor>): Promise<Record<string, HostTensor>> => {
    const map = <A, B>(record: Record<string, A>, f: (a: A) => B): Record<string, B> =>
      Object.fromEntries(Object.entries(record).map(([key, a]) => [key, f(a)]));
    const result = tf.tidy(() => {
      const { outputs, state: next = {} } = fn({ inputs: map(given, toTensor), state: map(state, toTensor), constants });
      for (const [key, t] of Object.entries(outputs)) if (t.dtype === 'bool') throw boolLeaves(key);
      return { outputs, next } as unknown as tf.TensorContainer;
    }) as unknown as { outputs: NamedTensors; next: NamedTensors };
    const read = async (tensors: NamedTensors): Promise<Record<string, HostTensor>> =>
      Object.fromEntries(await Promise.all(Object.entries(tensors).map(async ([key, t]) => [key, await toHost(t)] as const)));
    const outputs = await read(result.outputs);
    if (stateSpecs.length > 0) state = await read(result.next);
    // A constant may be an output; it stays.
    const kept = new Set(Object.values(constants));
    tf.dispose([...Object.values(result.outputs), ...Object.values(result.next)].filter((t) => !kept.has(t)));
    return outputs;
  };

  return {
    stepsPerRun,
    cost: null,
    get state() {
      return state;
    },
    set state(next) {
      checkTensors(`${name}: state`, next, stateSpecs);
      state = next;
    },
    async run(given) {
      // Plain JavaScript never waits for anything: signals and messages of this process are heard here.
      await new Promise(setImmediate);
      checkTensors(`${name}: state`, state, stateSpecs);
      checkTensors(`${name}: inputs`, given, inputs);
      noteNetworkRun(ran());
      if (stepsPerRun === 1) return step(given);
      const runs: Record<string, HostTensor>[] = [];
      for (let k = 0; k < stepsPerRun; k++) {
        const slice = ({ data, shape }: HostTensor): HostTensor => {
          const size = sizeOf(shape.slice(1));
          return { data: data.subarray(k * size, (k + 1) * size), shape: shape.slice(1) };
        };
        runs.push(await step(Object.fromEntries(Object.entries(given).map(([key, t]) => [key, slice(t)]))));
      }
      return Object.fromEntries(Object.keys(runs[0]!).map((key) => [key, stack(runs.map((run) => run[key]!))]));
    },
    release: async () => tf.dispose(constants as unknown as tf.TensorContainer),
  };
}

function stack(parts: HostTensor[]): HostTensor {
  const size = parts[0]!.data.length;
  const data = parts[0]!.data instanceof Int32Array ? new Int32Array(size * parts.length) : new Float32Array(size * parts.length);
  parts.forEach((part, i) => data.set(part.data, i * size));
  return { data, shape: [parts.length, ...parts[0]!.shape] };
}
