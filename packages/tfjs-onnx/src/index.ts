export * as nn from './nn/index.ts';
export { TfjsOnnxError, type TfjsOnnxErrorCode } from './errors.ts';
export { withScope } from './scope.ts';
export { valueAndGrads } from './gradients.ts';
export { scalar, type ConstantTensor, type DType, type ExternalTensor, type HostTensor, type NamedTensors, type Shape, type TensorSpec } from './types.ts';
