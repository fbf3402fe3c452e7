import type { PromptTokens } from '@controllab/base-model';
import { CONTEXT_LENGTH, tokenize, vocabulary, type Tier } from '@controllab/emoji-scenes';

/** Ids [N, 24] of prompts in a tier's vocabulary, as the embedded default's text encoder takes them. Small: batch workers load it. */
export default function openTokenizer({ tier }: { tier: Tier }): (prompts: readonly string[]) => PromptTokens {
  const words = vocabulary(tier);
  return (prompts) => {
    const ids = new Int32Array(prompts.length * CONTEXT_LENGTH);
    prompts.forEach((prompt, n) => ids.set(tokenize(prompt, words), n * CONTEXT_LENGTH));
    return { ids: { data: ids, shape: [prompts.length, CONTEXT_LENGTH] } };
  };
}
