export type { Base, PromptTokens, TextEncoder, TokenizerReference } from './base.ts';
