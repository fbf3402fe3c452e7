import { distance } from 'fastest-levenshtein';
import type { PromptText, PromptTokens } from '@controllab/base-model';
import { promptParts, withTokenWeights } from '@controllab/base-model/token-weights';
import { CONTEXT_LENGTH, splitWords, tokenize, vocabulary, type Tier } from '@controllab/emoji-scenes';
import type { ModuleReference } from '@controllab/training';

/** Known words that are named for an unknown one. */
const NAMED = 3;
/** `<pad>`, `<start>`, `<end>` and `<unk>`. */
const SPECIAL = 4;

/**
 * The known words that are fewest edits away, in the vocabulary's order where those are as many; none of those that have nothing in common
 * with it.
 */
const nearest = (word: string, words: readonly string[]): string[] =>
  words
    .map((known) => ({ known, edits: distance(word, known) }))
    .filter(({ known, edits }) => /\p{L}/u.test(known) && edits < Math.max(word.length, known.length))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, NAMED)
    .map(({ known }) => known);

/** Words that a prompt can have between `<start>` and `<end>`. */
const MOST_WORDS = CONTEXT_LENGTH - 2;

/** The first words of a prompt, and what each weighs. @param say told what of it is cut off; without it a prompt too long is an error */
function wordsOf(prompt: PromptText, say?: (message: string) => void): { word: string; weight: number }[] {
  const words = promptParts(prompt).flatMap(({ text, weight }) => splitWords(text).map((word) => ({ word, weight })));
  if (words.length <= MOST_WORDS || !say) return words;
  const cut = words.slice(MOST_WORDS).map(({ word }) => word);
  say(`the embedded default reads ${MOST_WORDS} words; the last ${cut.length} of a prompt are cut off: "${cut.join(' ')}"`);
  return words.slice(0, MOST_WORDS);
}

/**
 * Ids [N, 24] of prompts in a tier's vocabulary, as the embedded default's text encoder takes them. Small: batch workers load it.
 * @returns a function that names, to `say`, every word that the embedded default never read, with the nearest that it did, and what of a
 * prompt is cut off
 */
export default function openTokenizer({
  tier,
}: {
  tier: Tier;
}): (prompts: readonly PromptText[], say?: (message: string) => void) => PromptTokens {
  const words = vocabulary(tier);
  const known = words.words.slice(SPECIAL);
  const sayUnknown = (read: readonly string[], say: (message: string) => void): void => {
    for (const word of new Set(read.filter((one) => !words.ids.has(one)))) {
      const near = nearest(word, known);
      const like = near.length > 0 ? `the nearest that it knows: ${near.join(', ')}` : 'it knows none like it';
      say(`the embedded default does not know the word "${word}" and draws as if it were noise; ${like}`);
    }
  };
  return (prompts, say) => {
    const rows = prompts.map((prompt) => wordsOf(prompt, say));
    if (say)
      sayUnknown(
        rows.flat().map(({ word }) => word),
        say,
      );
    return withTokenWeights(
      'ids',
      prompts,
      rows.map((row) => {
        const weights = new Float32Array(CONTEXT_LENGTH).fill(1);
        row.forEach(({ weight }, i) => (weights[i + 1] = weight));
        return { ids: tokenize(row.map(({ word }) => word).join(' '), words), weights };
      }),
    );
  };
}

/** How a batch worker opens it again. */
export const tokenizerReference = (tier: Tier): ModuleReference => ({ module: import.meta.url, data: { tier } });
