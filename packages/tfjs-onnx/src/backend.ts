import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from './errors.ts';
import { Graph, uniform, type Value } from './graph.ts';
import { RECORDER } from './nn/dispatch.ts';
import { OPS, type OpDefinition } from './ops/index.ts';
import { inScope } from './scope.ts';
import { showShape, type Shape } from './types.ts';

interface Entry {
  value: Value;
  references: number;
}

/** A tfjs backend whose kernels append to a graph instead of computing. */
class RecordingBackend extends tf.KernelBackend {
  graph: Graph | null = null;
  private entries = new WeakMap<object, Entry>();
  private count = 0;

  /** Data that JavaScript made while tracing: frozen into the graph, uniform arrays as one number. */
  override write(data: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const id = {};
    this.set(id, literal(data, shape, dtype), 1);
    return id;
  }
  override move(id: object, data: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType, references: number): void {
    this.set(id, literal(data, shape, dtype), references);
  }
  override numDataIds(): number {
    return this.count;
  }
  override refCount(id: object): number {
    return this.entries.get(id)?.references ?? 0;
  }
  override incRef(id: object): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) entry.references++;
  }
  decRef(id: object): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) entry.references--;
  }
  override disposeData(id: object, force = false): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return true;
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.entries.delete(id);
    this.count--;
    return true;
  }
  override readSync(id: object): tf.backend_util.BackendValues {
    const entry = this.entries.get(id);
    const shape = entry === undefined ? 'of unknown shape' : showShape(entry.value.shape);
    throw new TfjsOnnxError(
      'data-read-while-tracing',
      `a tensor ${shape} was read (dataSync, arraySync, print, booleanMask, whereAsync ...) while a function is being traced${inScope()}; a traced tensor has no data: return it as an output, or make it an input`,
      { shape: entry?.value.shape, op: producer(entry?.value) },
    );
  }
  override read(id: object): Promise<tf.backend_util.BackendValues> {
    return Promise.resolve().then(() => this.readSync(id));
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override dispose(): void {}

  tensorInfo(value: Value): tf.TensorInfo {
    const dataId = {};
    this.set(dataId, value, 1);
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  tensor(value: Value): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.tensorInfo(value));
  }

  lookup({ dataId }: { dataId: object }): Value {
    let entry = this.entries.get(dataId);
    if (entry === undefined) {
      // A tensor of another backend (made before tracing) becomes a constant of the graph.
      (tf.engine() as unknown as { moveData(backend: unknown, id: object): void }).moveData(this, dataId);
      entry = this.entries.get(dataId);
    }
    if (entry === undefined) throw new TfjsOnnxError('missing-tensor', `a disposed tensor is used while tracing${inScope()}`);
    return entry.value;
  }

  recordOp(op: OpDefinition, inputs: Record<string, tf.TensorInfo>, attributes: Record<string, unknown>): tf.TensorInfo | tf.TensorInfo[] {
    if (this.graph === null) {
      throw new TfjsOnnxError(
        'not-tracing',
        `op ${op.name} ran on the '${RECORDER}' backend outside compile() or trace()${inScope()}; the backend only records: set another backend to compute eagerly`,
        { op: op.name },
      );
    }
    const values: Record<string, Value> = {};
    for (const [name, info] of Object.entries(inputs)) if (info !== null && info !== undefined) values[name] = this.lookup(info);
    try {
      const known = op.simplify?.(values, attributes as never) ?? null;
      if (known !== null) return this.tensorInfo(known);
      const specs = op.infer(values, attributes as never);
      const outputs = this.graph
        .add(op.name, values, attributes, Array.isArray(specs) ? specs : [specs])
        .map((value) => this.tensorInfo(value));
      return Array.isArray(specs) ? outputs : outputs[0]!;
    } catch (cause) {
      if (cause instanceof TfjsOnnxError) throw cause;
      const shapes = Object.entries(values)
        .map(([name, value]) => `${name} ${showShape(value.shape)}`)
        .join(', ');
      throw new TfjsOnnxError(
        'shape-mismatch',
        `op ${op.name} cannot take ${shapes}${inScope()}: ${(cause as Error).message}`,
        { op: op.name, shapes },
        { cause },
      );
    }
  }

  private set(id: object, value: Value, references: number): void {
    this.entries.set(id, { value, references });
    this.count++;
  }
}

const producer = (value: Value | undefined): string | undefined => (value?.source.kind === 'node' ? value.source.node.op : undefined);

function literal(data: tf.backend_util.BackendValues, shape: Shape, dtype: tf.DataType): Value {
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
    throw new TfjsOnnxError('unsupported-op', `a ${dtype} tensor ${showShape(shape)} cannot be part of a graph${inScope()}`, {
      dtype,
      shape,
    });
  const numbers = data as Float32Array | Int32Array | Uint8Array;
  const first = numbers[0];
  if (first !== undefined && numbers.every((x) => x === first)) return uniform(first, shape, dtype);
  return {
    shape,
    dtype,
    source: {
      kind: 'literal',
      data: dtype === 'float32' ? Float32Array.from(numbers) : dtype === 'int32' ? Int32Array.from(numbers) : Uint8Array.from(numbers),
    },
  };
}

const backend = new RecordingBackend();
tf.registerBackend(RECORDER, () => backend, 0);

for (const op of OPS.values()) {
  tf.registerKernel({
    kernelName: op.name,
    backendName: RECORDER,
    kernelFunc: ({ inputs, attrs }) =>
      backend.recordOp(op, inputs as unknown as Record<string, tf.TensorInfo>, (attrs ?? {}) as Record<string, unknown>),
  });
}
// tfjs exports every kernel's name as a constant that equals itself: those without a lowering fail by name.
for (const [key, value] of Object.entries(tf)) {
  const kernelName = value as unknown;
  if (
    typeof kernelName !== 'string' ||
    kernelName !== key.replace(/^_?/, (prefix) => (kernelName.startsWith('_') ? prefix : '')) ||
    OPS.has(kernelName)
  )
    continue;
  tf.registerKernel({
    kernelName,
    backendName: RECORDER,
    kernelFunc: ({ inputs }) => {
      const shapes = Object.entries(inputs as unknown as Record<string, tf.TensorInfo>).map(
        ([name, info]) => `${name} ${showShape(info.shape)}`,
      );
      throw new TfjsOnnxError(
        'unsupported-op',
        `op ${kernelName} (${shapes.join(', ')}) has no ONNX lowering${inScope()}; express it with supported ops or add one in src/ops`,
        { op: kernelName, shapes },
      );
    },
  });
}

/** Records `f`, which gets a function that makes a symbolic tensor of a graph value, and one that finds a tensor's value. */
export function record(f: (graph: Graph, tensor: (value: Value) => tf.Tensor, valueOf: (t: tf.Tensor) => Value) => void): Graph {
  if (backend.graph !== null) throw new TfjsOnnxError('not-tracing', 'trace() and compile() cannot be nested');
  const graph = new Graph();
  const previous = tf.getBackend();
  tf.setBackend(RECORDER);
  backend.graph = graph;
  tf.engine().startScope();
  try {
    f(
      graph,
      (value) => backend.tensor(value),
      (t) => backend.lookup(t),
    );
  } finally {
    tf.engine().endScope();
    backend.graph = null;
    if (previous !== RECORDER && previous) tf.setBackend(previous);
  }
  return graph;
}
