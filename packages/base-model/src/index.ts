export { ARCHITECTURES, type Architecture } from './architectures/architectures.ts';
export { imageDenoiser, videoDenoiser, type DenoiserSetting } from './architectures/denoisers.ts';
export type { Base, BasePart, FixedInputs, Prompt, PromptPart, PromptText, PromptTokens, TokenizerReference } from './base.ts';
export { openCheckpoint, type CheckpointOptions } from './checkpoint/open-checkpoint.ts';
export { hashWeights } from './checkpoint/hash-weights.ts';
export { openControl, openControlValues, TRAINED_CONTROL_FILE, type OpenedControl } from './control/open-control.ts';
export { methodMetadata } from './control/trained-method.ts';
export { BaseModelError, type BaseModelErrorCode } from './errors.ts';
export { mergeLoras, type LoraRequest } from './lora/merge-lora.ts';
export { parsePromptWeights } from './prompts/parse-weights.ts';
export { runOnce } from './run-once.ts';
export { checkFinite } from './sampler/check-finite.ts';
export { actsAt } from './sampler/denoise.ts';
export type { Weighting } from './sampler/combine-controls.ts';
export { compileDenoiser, valuesOf, type DenoiserOptions } from './sampler/compile-denoiser.ts';
export type { SampledControl } from './sampler/compile-denoiser.ts';
export {
  checkSize,
  createSampler,
  sampleInBatches,
  type BatchedRequest,
  type Sampler,
  type SamplerOptions,
  type SampleRequest,
} from './sampler/sampler.ts';
