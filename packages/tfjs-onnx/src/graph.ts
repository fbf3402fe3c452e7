import { TfjsOnnxError } from './errors.ts';
import { currentScope, inScope } from './scope.ts';
import { isExternal, isHost, showShape, sizeOf, type ConstantTensor, type Shape, type TensorSpec } from './types.ts';

export type ValueType = 'float32' | 'int32' | 'bool';

/** Where a value comes from. A uniform constant stays one number: gradients of sums would fill megabytes with ones. */
export type Source =
  | { kind: 'input'; name: string }
  | { kind: 'state'; name: string }
  | { kind: 'constant'; name: string; tensor: ConstantTensor | TensorSpec }
  | { kind: 'literal'; data: Float32Array | Int32Array | Uint8Array }
  | { kind: 'uniform'; value: number }
  | { kind: 'node'; node: Node; output: number };

export interface Value {
  readonly shape: Shape;
  readonly dtype: ValueType;
  readonly source: Source;
}

export interface Node {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Value[];
  /** Module path at recording. */
  readonly scope: string;
}

export interface ValueSpec {
  shape: Shape;
  dtype?: ValueType;
}

export interface Cost {
  /** Multiply-accumulates of convolutions, matrix products and attention. */
  macs: number;
  /** Elements of constants and state (for a training step: weights and moments). */
  constantElements: number;
  stateElements: number;
  /** Bytes of constants as stored, and of float32 intermediate results (each counted once, as if none were freed). */
  constantBytes: number;
  activationBytes: number;
}

/** A recorded function: what it reads, the nodes in order, what it returns. Allocates no tensor. */
export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs = new Map<string, Value>();
  readonly state = new Map<string, Value>();
  readonly constants = new Map<string, Value>();
  readonly outputs = new Map<string, Value>();
  readonly nextState = new Map<string, Value>();

  input(name: string, spec: TensorSpec): Value {
    return this.declare(this.inputs, name, { shape: spec.shape, dtype: spec.dtype ?? 'float32', source: { kind: 'input', name } });
  }

  stateInput(name: string, spec: TensorSpec): Value {
    return this.declare(this.state, name, { shape: spec.shape, dtype: spec.dtype ?? 'float32', source: { kind: 'state', name } });
  }

  constant(name: string, tensor: ConstantTensor | TensorSpec): Value {
    if (isHost(tensor) && tensor.data.length !== sizeOf(tensor.shape)) {
      throw new TfjsOnnxError('shape-mismatch', `constant '${name}': ${tensor.data.length} values for shape ${showShape(tensor.shape)}`, {
        name,
        shape: tensor.shape,
      });
    }
    const dtype = isHost(tensor) && tensor.data instanceof Int32Array ? 'int32' : 'float32';
    return this.declare(this.constants, name, { shape: tensor.shape, dtype, source: { kind: 'constant', name, tensor } });
  }

  add(op: string, inputs: Record<string, Value>, attributes: Record<string, unknown>, outputs: readonly ValueSpec[]): Value[] {
    const values: Value[] = [];
    const node: Node = { op, inputs, attributes, outputs: values, scope: currentScope() };
    outputs.forEach((spec, output) =>
      values.push({ shape: spec.shape, dtype: spec.dtype ?? 'float32', source: { kind: 'node', node, output } }),
    );
    this.nodes.push(node);
    return values;
  }

  /**
   * The nodes that outputs and next state depend on, in order, and the values something reads.
   * @param rewrite gives another node for the same outputs, or the node itself
   */
  live(rewrite: (node: Node) => Node = (node) => node): { nodes: Node[]; used: Set<Value> } {
    const used = new Set<Value>([...this.outputs.values(), ...this.nextState.values()]);
    const nodes: Node[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      if (!this.nodes[i]!.outputs.some((value) => used.has(value))) continue;
      const node = rewrite(this.nodes[i]!);
      nodes.push(node);
      for (const value of Object.values(node.inputs)) used.add(value);
    }
    return { nodes: nodes.reverse(), used };
  }

  private declare(where: Map<string, Value>, name: string, value: Value): Value {
    if (where.has(name)) throw new TfjsOnnxError('unexpected-tensor', `'${name}' is declared twice${inScope()}`, { name });
    where.set(name, value);
    return value;
  }
}

export const uniform = (value: number, shape: Shape, dtype: ValueType = 'float32'): Value => ({
  shape,
  dtype,
  source: { kind: 'uniform', value },
});

/** The number that every element of a value equals, or null. */
export const uniformValue = (value: Value): number | null => (value.source.kind === 'uniform' ? value.source.value : null);

/** Bytes a constant takes where it lies. */
export function storedBytes(tensor: ConstantTensor | TensorSpec): number {
  return isExternal(tensor) ? tensor.length : sizeOf(tensor.shape) * 4;
}
