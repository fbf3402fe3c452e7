import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { splitWords } from './split-words.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Tokens a caption is padded to, start and end included. The longest caption of the full tier takes 21. */
export const CONTEXT_LENGTH = 24;

/**
 * The ids of a caption: `<start>`, its words, `<end>`, then `<pad>` up to `length`. A word that the vocabulary lacks becomes `<unk>`.
 * The empty caption, for guidance, is start and end alone. Throws `caption-too-long` naming the caption.
 */
export function tokenize(caption: string, vocabulary: Vocabulary, length: number = CONTEXT_LENGTH): Int32Array {
  const words = splitWords(caption);
  if (words.length + 2 > length) {
    throw new EmojiScenesError(
      'caption-too-long',
      `The caption "${caption}" takes ${words.length + 2} tokens, the context holds ${length}.`,
      { caption, length },
    );
  }
  const { ids } = vocabulary;
  const tokens = new Int32Array(length);
  tokens[0] = ids.get('<start>')!;
  words.forEach((word, i) => {
    tokens[i + 1] = ids.get(word) ?? ids.get('<unk>')!;
  });
  tokens[words.length + 1] = ids.get('<end>')!;
  return tokens;
}
