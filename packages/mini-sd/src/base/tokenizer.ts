import { distance } from 'fastest-levenshtein';
import type { PromptTokens } from '@controllab/base-model';
import { CONTEXT_LENGTH, splitWords, tokenize, vocabulary, type Tier } from '@controllab/emoji-scenes';
import type { ModuleReference } from '@controllab/training';

/** Known words that are named for an unknown one. */
const NAMED = 3;
/** `<pad>`, `<start>`, `<end>` and `<unk>`. */
const SPECIAL = 4;

/** The known words that are fewest edits away; in the vocabulary's order where those are as many. */
const nearest = (word: string, words: readonly string[]): string[] =>
  words
    .map((known) => ({ known, edits: distance(word, known) }))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, NAMED)
    .map(({ known }) => known);

/**
 * Ids [N, 24] of prompts in a tier's vocabulary, as the embedded default's text encoder takes them. Small: batch workers load it.
 * @returns a function that names, to `say`, every word that the embedded default never read, with the nearest that it did
 */
export default function openTokenizer({
  tier,
}: {
  tier: Tier;
}): (prompts: readonly string[], say?: (message: string) => void) => PromptTokens {
  const words = vocabulary(tier);
  const known = words.words.slice(SPECIAL);
  const sayUnknown = (prompts: readonly string[], say: (message: string) => void): void => {
    const unknown = new Set(prompts.flatMap(splitWords).filter((word) => !words.ids.has(word)));
    for (const word of unknown)
      say(
        `the embedded default does not know the word "${word}" and draws as if it were noise; the nearest that it knows: ${nearest(word, known).join(', ')}`,
      );
  };
  return (prompts, say) => {
    if (say) sayUnknown(prompts, say);
    const ids = new Int32Array(prompts.length * CONTEXT_LENGTH);
    prompts.forEach((prompt, n) => ids.set(tokenize(prompt, words), n * CONTEXT_LENGTH));
    return { ids: { data: ids, shape: [prompts.length, CONTEXT_LENGTH] } };
  };
}

/** How a batch worker opens it again. */
export const tokenizerReference = (tier: Tier): ModuleReference => ({ module: import.meta.url, data: { tier } });
