export { ARCHITECTURES, type Architecture } from './architectures/architectures.ts';
export { imageDenoiser, videoDenoiser, type DenoiserSetting } from './architectures/denoisers.ts';
export type { Base, BasePart, FixedInputs, Prompt, PromptTokens, TokenizerReference } from './base.ts';
export { BaseModelError, type BaseModelErrorCode } from './errors.ts';
export { runOnce } from './run-once.ts';
export type { Weighting } from './sampler/combine-controls.ts';
export type { SampledControl } from './sampler/compile-denoiser.ts';
export {
  createSampler,
  sampleInBatches,
  type BatchedRequest,
  type Sampler,
  type SamplerOptions,
  type SampleRequest,
} from './sampler/sampler.ts';
