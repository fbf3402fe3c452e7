import onnxProto from 'onnx-proto';
import { sizeOf, type ExternalTensor, type Shape } from '../types.ts';

const { onnx } = onnxProto;

/** ONNX TensorProto.DataType. */
export const DATA_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16, float8e4m3fn: 17, float8e5m2: 19 } as const;
export type OnnxType = keyof typeof DATA_TYPE;

/** A float attribute (JavaScript cannot tell 1.0 from 1). */
export class FloatAttribute {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
export const float = (value: number): FloatAttribute => new FloatAttribute(value);

export type AttributeValue = number | string | readonly number[] | FloatAttribute | GraphBuilder;
type Attributes = Record<string, AttributeValue>;

function attributeProto(name: string, value: AttributeValue): object {
  const types = onnx.AttributeProto.AttributeType;
  if (value instanceof FloatAttribute) return { name, type: types.FLOAT, f: value.value };
  if (value instanceof GraphBuilder) return { name, type: types.GRAPH, g: value.graphProto() };
  if (typeof value === 'string') return { name, type: types.STRING, s: Buffer.from(value) };
  if (typeof value === 'number') return { name, type: types.INT, i: value };
  return { name, type: types.INTS, ints: [...value] };
}

const valueInfo = (name: string, shape: Shape, type: OnnxType): object => ({
  name,
  type: { tensorType: { elemType: DATA_TYPE[type], shape: { dim: shape.map((d) => ({ dimValue: d })) } } },
});

interface NodeProto {
  opType: string;
  input: string[];
  output: string[];
  name: string;
  domain: string;
  attribute: object[];
}

/** Builds one ONNX graph (or, with a parent, the body of a control-flow node, which sees the parent's values). */
export class GraphBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly inputs: object[] = [];
  private readonly outputs: object[] = [];
  private readonly initializers: object[] = [];
  private readonly smallConstants = new Map<string, string>();
  private readonly produced = new Set<string>();
  private readonly renamed = new Map<string, string>();
  private readonly counter: { next: number };
  /** Begins the names of the nodes that are written next, and of what they compute: a profile tells by it whose they are. */
  label = '';

  constructor(parent?: GraphBuilder) {
    // One counter for a graph and its bodies: ONNX forbids shadowing.
    this.counter = parent?.counter ?? { next: 0 };
  }

  get nodeCount(): number {
    return this.nodes.length;
  }

  fresh(hint: string): string {
    return `${hint}_${this.counter.next++}`;
  }

  input(name: string, shape: Shape, type: OnnxType): string {
    this.inputs.push(valueInfo(name, shape, type));
    return name;
  }

  /** Declares `value` as the graph output `name`: the node that makes it writes there, where an Identity would copy it. */
  output(value: string, name: string, shape: Shape, type: OnnxType): void {
    if (this.produced.has(value) && !this.renamed.has(value)) this.renamed.set(value, name);
    else this.nodes.push({ opType: 'Identity', input: [value], output: [name], name: `output ${name}`, domain: '', attribute: [] });
    this.outputs.push(valueInfo(name, shape, type));
  }

  constant(data: Float32Array | Int32Array | BigInt64Array, shape: Shape, name?: string): string {
    const type: OnnxType = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64';
    const key = data.length <= 256 && name === undefined ? `${type}|${shape.join()}|${data.join()}` : null;
    const known = key === null ? undefined : this.smallConstants.get(key);
    if (known !== undefined) return known;
    const unique = name ?? this.fresh('const');
    this.initializers.push({
      name: unique,
      dims: [...shape],
      dataType: DATA_TYPE[type],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    if (key !== null) this.smallConstants.set(key, unique);
    return unique;
  }

  /** An initializer whose bytes stay in `location` (a path relative to the model file). */
  external(tensor: ExternalTensor, location: string, name: string): string {
    this.initializers.push({
      name,
      dims: [...tensor.shape],
      dataType: DATA_TYPE[tensor.dtype],
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: [
        { key: 'location', value: location },
        { key: 'offset', value: String(tensor.offset) },
        { key: 'length', value: String(tensor.length) },
      ],
    });
    return name;
  }

  /** A vector of ones, stored once however often it is used. */
  ones(length: number): string {
    const key = `ones ${length}`;
    const known = this.smallConstants.get(key) ?? this.constant(new Float32Array(length).fill(1), [length], this.fresh('ones'));
    this.smallConstants.set(key, known);
    return known;
  }

  int64(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  scalar(value: number, type: 'float32' | 'int32' = 'float32'): string {
    return this.constant(type === 'int32' ? Int32Array.of(value) : Float32Array.of(value), []);
  }

  /** All elements equal, without storing them. */
  uniform(value: number, shape: Shape, type: 'float32' | 'int32'): string {
    return sizeOf(shape) === 1 && shape.length === 0
      ? this.scalar(value, type)
      : this.op('Expand', [this.scalar(value, type), this.int64(shape)]);
  }

  op(opType: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.ops(opType, inputs, 1, attributes, domain)[0] as string;
  }

  /** A node of ONNX Runtime's own operator set. */
  microsoft(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.op(opType, inputs, attributes, 'com.microsoft');
  }

  ops(opType: string, inputs: readonly string[], outputCount: number, attributes: Attributes = {}, domain = ''): string[] {
    const output = Array.from({ length: outputCount }, () => this.fresh(this.label + opType));
    for (const name of output) this.produced.add(name);
    this.nodes.push({
      opType,
      input: [...inputs],
      output,
      name: output[0]!,
      domain,
      attribute: Object.entries(attributes).map(([k, v]) => attributeProto(k, v)),
    });
    return output;
  }

  graphProto(): object {
    const final = (name: string): string => this.renamed.get(name) ?? name;
    const node = this.nodes.map((n) => ({ ...n, input: n.input.map(final), output: n.output.map(final) }));
    return { name: 'graph', node, initializer: this.initializers, input: this.inputs, output: this.outputs };
  }

  /** The serialised ModelProto. */
  model(): Uint8Array {
    return onnx.ModelProto.encode(
      onnx.ModelProto.create({
        irVersion: 10,
        producerName: 'tfjs-onnx',
        opsetImport: [
          { domain: '', version: 21 },
          { domain: 'com.microsoft', version: 1 },
        ],
        graph: this.graphProto(),
      }),
    ).finish();
  }
}
