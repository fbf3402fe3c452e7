import onnxProto from 'onnx-proto';
import os from 'node:os';
import ort from 'onnxruntime-node';
import type { Matrix } from './matrix.ts';

const { onnx } = onnxProto;

/** ONNX TensorProto.DataType.DOUBLE. */
const DOUBLE = 11;

/** One ONNX node with a single output, which names it. */
export interface DoubleNode {
  op: string;
  inputs: readonly string[];
  output: string;
  attributes?: Readonly<Record<string, number>>;
}

/** Attributes that ONNX declares as floats; the others used here are integers. */
const FLOATS = new Set(['alpha', 'beta']);

/** output = op(a) op(b), or c - op(a) op(b) with `minusFrom: 'c'`. */
export function gemm(
  output: string,
  a: string,
  b: string,
  { transA = 0, transB = 0, minusFrom, plus }: { transA?: 0 | 1; transB?: 0 | 1; minusFrom?: string; plus?: string } = {},
): DoubleNode {
  const c = minusFrom ?? plus;
  return {
    op: 'Gemm',
    inputs: c === undefined ? [a, b] : [a, b, c],
    output,
    attributes: { transA, transB, alpha: minusFrom === undefined ? 1 : -1 },
  };
}

function encode(inputs: readonly string[], outputs: readonly string[], nodes: readonly DoubleNode[]): Uint8Array {
  const types = onnx.AttributeProto.AttributeType;
  const value = (name: string): object => ({ name, type: { tensorType: { elemType: DOUBLE } } });
  const attribute = ([name, x]: [string, number]): object =>
    FLOATS.has(name) ? { name, type: types.FLOAT, f: x } : { name, type: types.INT, i: x };
  const node = nodes.map(({ op, inputs: input, output, attributes = {} }) => ({
    opType: op,
    name: output,
    input: [...input],
    output: [output],
    attribute: Object.entries(attributes).map(attribute),
  }));
  return onnx.ModelProto.encode(
    onnx.ModelProto.create({
      irVersion: 9,
      opsetImport: [{ domain: '', version: 17 }],
      graph: { name: 'double', node, input: inputs.map(value), output: outputs.map(value) },
    }),
  ).finish();
}

/**
 * A function of float64 matrices that ONNX Runtime computes: the one fast matrix product that an npm install brings. The
 * inputs' sizes may differ from call to call. Outputs are copied, about a millisecond per megabyte, but for those that the
 * caller gives a place `into`: a matrix of their size that is no input.
 */
export function doubleGraph<I extends string, O extends string>(
  inputs: readonly I[],
  outputs: readonly O[],
  nodes: readonly DoubleNode[],
): (feeds: Record<I, Matrix>, into?: Partial<Record<O, Matrix>>) => Promise<Record<O, Matrix>> {
  let session: Promise<ort.InferenceSession> | undefined;
  const tensor = ({ data, rows, columns }: Matrix) => new ort.Tensor('float64', data, [rows, columns]);
  return async (feeds, into = {}) => {
    session ??= ort.InferenceSession.create(encode(inputs, outputs, nodes), {
      executionProviders: ['cpu'],
      intraOpNumThreads: os.availableParallelism(),
      logSeverityLevel: 3,
      // JavaScript computes between two runs: ONNX Runtime's threads must not spin on the cores meanwhile.
      extra: { session: { force_spinning_stop: '1' } },
    });
    const places = Object.fromEntries(outputs.map((name) => [name, into[name] === undefined ? null : tensor(into[name])]));
    const results = await (await session).run(Object.fromEntries(inputs.map((name) => [name, tensor(feeds[name])])), places);
    const matrix = ({ data, dims }: ort.Tensor): Matrix => ({ data: data as Float64Array, rows: dims[0]!, columns: dims[1]! });
    return Object.fromEntries(outputs.map((name) => [name, matrix(results[name]!)])) as Record<O, Matrix>;
  };
}
