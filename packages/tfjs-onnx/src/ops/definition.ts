import type { GraphBuilder } from '../onnx/builder.ts';
import type { Node, Value, ValueSpec } from '../graph.ts';
import type { Shape } from '../types.ts';

/** ONNX Runtime's execution providers that graphs are lowered for. */
export const providers = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof providers)[number];

/** What an op's lowering writes with: the ONNX graph under construction and the names its operands have there. */
export interface Lowering {
  readonly g: GraphBuilder;
  readonly provider: Provider;
  readonly node: Node;
  /** ONNX name of an operand. */
  in(name: string): string;
  has(name: string): boolean;
  /** Operand of a broadcasting op: a uniform constant stays a scalar. */
  operand(name: string): string;
  shape(name: string): Shape;
  /** Whether anything reads output `i` (a forward pass alone needs no saved statistics). */
  used(output: number): boolean;
  reshape(x: string, shape: Shape): string;
  transpose(x: string, permutation: readonly number[]): string;
}

export type Inputs = Readonly<Record<string, Value>>;

export interface OpDefinition {
  /** Kernel name: tfjs's own, or 'nn.*'. */
  name: string;
  /** Output shapes; throws on operands that do not fit. */
  infer(inputs: Inputs, attributes: Record<string, never>): ValueSpec | ValueSpec[];
  /** A known value in place of the node: an operand passed through, or a uniform constant. */
  simplify?(inputs: Inputs, attributes: Record<string, never>): Value | null;
  /** Writes ONNX nodes; returns the name of each output. */
  lower(l: Lowering, attributes: Record<string, never>): string | string[];
  /** Multiply-accumulates of one run. */
  macs?(node: Node): number;
}

export const OPS = new Map<string, OpDefinition>();

/** Attributes are typed per op by the caller; tfjs itself passes untyped records. */
type Typed<A> = Omit<OpDefinition, 'infer' | 'simplify' | 'lower'> & {
  infer(inputs: Inputs, attributes: A): ValueSpec | ValueSpec[];
  simplify?(inputs: Inputs, attributes: A): Value | null;
  lower(l: Lowering, attributes: A): string | string[];
};

export function defineOp<A = Record<string, never>>(definition: Typed<A>): void {
  OPS.set(definition.name, definition as unknown as OpDefinition);
}
