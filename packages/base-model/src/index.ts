export type { Base, BasePart, FixedInputs, Prompt, PromptTokens, TokenizerReference } from './base.ts';
export { runOnce } from './run-once.ts';
