import * as tf from '@tensorflow/tfjs';
import { record } from './backend.ts';
import { TfjsOnnxError } from './errors.ts';
import type { Graph, Value } from './graph.ts';
import { showShape, type ConstantTensor, type NamedTensors, type Shape, type TensorSpec } from './types.ts';

/** What a function reads: fed at each call, carried from call to call, frozen into the graph. */
export interface Signature {
  inputs?: Record<string, TensorSpec>;
  state?: Record<string, TensorSpec>;
  constants?: Record<string, ConstantTensor>;
}

/** A signature of which only the shapes are known: enough to trace and count, not to run. */
export type ShapeSignature = Omit<Signature, 'constants'> & { constants?: Record<string, ConstantTensor | TensorSpec> };

/** A function to compile, in plain tfjs. It returns the next value of every state tensor that it has. */
export type Traceable = (args: { inputs: NamedTensors; state: NamedTensors; constants: NamedTensors }) => {
  outputs: NamedTensors;
  state?: NamedTensors;
};

/** What comes out is float32 or int32. */
export const boolLeaves = (name: string): TfjsOnnxError =>
  new TfjsOnnxError('unsupported-op', `the function returned a bool tensor as '${name}'; tf.cast it to int32 or float32`, { name });

/** @throws TfjsOnnxError shape-mismatch for a tensor without elements, or of no shape */
export function checkSignature(signature: ShapeSignature): void {
  for (const [kind, specs] of Object.entries(signature) as [string, Record<string, { shape: Shape }>][])
    for (const [name, { shape }] of Object.entries(specs))
      if (shape.some((length) => !Number.isInteger(length) || length < 1))
        throw new TfjsOnnxError(
          'shape-mismatch',
          `${kind} '${name}' is declared as ${showShape(shape)}; every length is a whole number of at least 1`,
          { name, shape },
        );
}

/**
 * Records a function once, with symbolic tensors, into a graph.
 * @throws TfjsOnnxError for an op that reads data, has no lowering or does not fit its operands, naming op, shapes and module path
 */
export function trace(fn: Traceable, signature: ShapeSignature): Graph {
  checkSignature(signature);
  return record((graph, tensor, valueOf) => {
    const declared = <S>(specs: Record<string, S> | undefined, declare: (name: string, spec: S) => Value): NamedTensors =>
      Object.fromEntries(Object.entries(specs ?? {}).map(([name, spec]) => [name, tensor(declare(name, spec))]));
    const inputs = declared(signature.inputs, (name, spec) => graph.input(name, spec));
    const state = declared(signature.state, (name, spec) => graph.stateInput(name, spec));
    const constants = declared(signature.constants, (name, spec) => graph.constant(name, spec));
    const result = fn({ inputs, state, constants });
    const bind = (where: Map<string, Value>, name: string, t: tf.Tensor): void => {
      if (!(t instanceof tf.Tensor) || t.isDisposed) {
        throw new TfjsOnnxError(
          'missing-tensor',
          `the function returned ${t instanceof tf.Tensor ? 'a disposed tensor' : String(t)} as '${name}'; tf.keep() what leaves a tidy`,
          { name },
        );
      }
      if (t.dtype === 'bool') throw boolLeaves(name);
      where.set(name, valueOf(t));
    };
    for (const [name, t] of Object.entries(result.outputs)) bind(graph.outputs, name, t);
    const next = result.state ?? {};
    const unknown = Object.keys(next).filter((name) => !graph.state.has(name));
    const missing = [...graph.state.keys()].filter((name) => next[name] === undefined);
    if (unknown.length + missing.length > 0) {
      throw new TfjsOnnxError(
        'missing-tensor',
        `the function's next state lacks [${missing.join(', ')}] and has unknown [${unknown.join(', ')}]`,
        { missing, unknown },
      );
    }
    for (const [name, spec] of graph.state) {
      bind(graph.nextState, name, next[name]!);
      const after = graph.nextState.get(name)!;
      if (!tf.util.arraysEqual([...after.shape], [...spec.shape])) {
        throw new TfjsOnnxError(
          'shape-mismatch',
          `state '${name}' enters as ${showShape(spec.shape)} and leaves as ${showShape(after.shape)}`,
          { name },
        );
      }
    }
  });
}
