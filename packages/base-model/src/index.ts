export type { Base, PromptTokens, TokenizerReference } from './base.ts';
