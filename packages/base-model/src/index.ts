export { ARCHITECTURES, type Architecture } from './architectures/architectures.ts';
export { conditionSpec, encoderOf, imageDenoiser, videoDenoiser, type DenoiserSetting } from './architectures/denoisers.ts';
export type { Base, BasePart, FixedInputs, Prompt, PromptTokens, TokenizerReference } from './base.ts';
export { runOnce } from './run-once.ts';
