import type * as tf from '@tensorflow/tfjs';

export type NamedTensors = Record<string, tf.Tensor>;
export type Shape = readonly number[];
/** The dtypes a compiled function exchanges; comparisons make 'bool' inside a graph. */
export type DType = 'float32' | 'int32';

export interface TensorSpec {
  shape: Shape;
  dtype?: DType;
}

/** A tensor in host memory, row major. The dtype follows the array's class. */
export interface HostTensor {
  data: Float32Array | Int32Array;
  shape: Shape;
}

/** Bytes of a file (a .safetensors, say) that a graph uses in place, without a copy. */
export interface ExternalTensor {
  file: string;
  /** Of the first byte, from the start of the file. */
  offset: number;
  /** In bytes. */
  length: number;
  shape: Shape;
  /** `float8e4m3fn` has no infinities, NaN alone in their place: ONNX's and PyTorch's name for it. */
  dtype: 'float32' | 'float16' | 'bfloat16' | 'float8e4m3fn' | 'float8e5m2';
}

export type ConstantTensor = HostTensor | ExternalTensor;

export const isExternal = (t: ConstantTensor | TensorSpec): t is ExternalTensor => 'file' in t;
export const isHost = (t: ConstantTensor | TensorSpec): t is HostTensor => 'data' in t;

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const dtypeOf = (t: HostTensor): DType => (t.data instanceof Int32Array ? 'int32' : 'float32');
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** A host scalar, for learning rates and the like. */
export const scalar = (value: number): HostTensor => ({ data: Float32Array.of(value), shape: [] });
