import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';

/** Named tensors in files, as a model's parameters are loaded from them. */
export interface TensorSource {
  /** For messages: the file, or the index of a sharded checkpoint. */
  readonly file: string;
  readonly header: ReadonlyMap<string, { shape: readonly number[] }>;
  tensor(name: string): HostTensor;
  /** Where a tensor's bytes lie, for an engine that maps the file; the tensor itself where its values lie in another order. */
  external(name: string): ConstantTensor;
  /** What the file calls it, where that is something else. */
  nameInFile?(name: string): string;
}
