export * as nn from './nn/index.ts';
export { adamw, type AdamWOptions, type AdamWSchedule } from './adamw.ts';
export { compile, saveOnnx, type CompiledFunction, type CompileOptions } from './compile.ts';
export { matmulCeiling } from './ceiling.ts';
export { cost } from './cost.ts';
export { useTfjsBackend, type TfjsBackend } from './eager.ts';
export { TfjsOnnxError, type TfjsOnnxErrorCode } from './errors.ts';
export { valueAndGrads } from './gradients.ts';
export type { Cost, Graph } from './graph.ts';
export { noteNetworkRun, recordNetworkRuns, type NetworkRun } from './network-runs.ts';
export { OPTIMIZER_SCOPE, PROFILE_PARTS, timeByPart, timeBySize, type ProfilePart, type SizeTime } from './profile/attribution.ts';
export { profileRuns, type KernelTime, type ProfileOptions, type RunProfile } from './profile/profile-runs.ts';
export { providers, type Provider } from './ops/index.ts';
export { recomputed } from './recompute.ts';
export { withScope } from './scope.ts';
export { compileStaged, type HeldFunction, type StagedFunction } from './staged.ts';
export { trace, type ShapeSignature, type Signature, type Traceable } from './trace.ts';
export {
  isExternal,
  scalar,
  type ConstantTensor,
  type DType,
  type ExternalTensor,
  type HostTensor,
  type NamedTensors,
  type Shape,
  type TensorSpec,
} from './types.ts';
