import type { PromptTokens } from '../base.ts';
import { BaseModelError } from '../errors.ts';
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
): (prompts: readonly string[], say?: (message: string) => void) => PromptTokens {
  const tokenizers = settings.map((setting) => ({ ...setting, tokenize: loadTokenizer(setting.directory) }));
  return (prompts, say) =>
    Object.fromEntries(
      tokenizers.map(({ input, context, vocabulary, tokenize }) => {
        const data = new Int32Array(prompts.length * context);
        for (const [n, prompt] of prompts.entries()) {
          const { ids, cut } = tokenize(prompt, context);
          const largest = Math.max(...ids);
          if (largest >= vocabulary)
            throw new BaseModelError(
              'invalid-model',
              `The tokenizer gives id ${largest}, the text encoder knows ${vocabulary}: they do not belong together.`,
              { largest, vocabulary },
            );
          if (cut > 0) say?.(`the text encoder reads ${context - 2} tokens; the last ${cut} of a prompt are cut off`);
          data.set(ids, n * context);
        }
        return [input, { data, shape: [prompts.length, context] }];
      }),
    );
}
