import type { PromptText, PromptTokens } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { withTokenWeights } from '../prompts/token-weights.ts';
import { loadTokenizer } from './tokenizer.ts';

/** Where a text encoder's tokenizer lies, and what the encoder takes. */
export interface TokenizerSetting {
  /** Name of the ids among the text encoder's inputs. */
  readonly input: string;
  readonly directory: string;
  /** Tokens that it reads, and words that it knows. */
  readonly context: number;
  readonly vocabulary: number;
}

/**
 * Ids [N, S] of prompts for each text encoder of a checkpoint. A module of its own: batch workers load it.
 * @throws BaseModelError invalid-model when tokenizer and text encoder do not fit
 */
export default function openTokenizers(
  settings: readonly TokenizerSetting[],
): (prompts: readonly PromptText[], say?: (message: string) => void) => PromptTokens {
  const tokenizers = settings.map((setting) => ({ ...setting, tokenize: loadTokenizer(setting.directory) }));
  return (prompts, say) =>
    Object.assign(
      {},
      ...tokenizers.map(({ input, context, vocabulary, tokenize }) => {
        const rows = prompts.map((prompt) => tokenize(prompt, context));
        for (const { ids, cut, cutText } of rows) {
          const largest = Math.max(...ids);
          if (largest >= vocabulary)
            throw new BaseModelError(
              'invalid-model',
              `The tokenizer gives id ${largest}, the text encoder knows ${vocabulary}: they do not belong together.`,
              { largest, vocabulary },
            );
          if (cut > 0) say?.(`the text encoder reads ${context - 2} tokens; the last ${cut} of a prompt are cut off: "${cutText}"`);
        }
        return withTokenWeights(input, prompts, rows);
      }),
    ) as PromptTokens;
}
