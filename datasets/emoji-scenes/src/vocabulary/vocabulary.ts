import { pairRelations, rowRelations } from '../captions/caption.ts';
import { catalogue, type Tier } from '../catalogue/catalogue.ts';
import { colourNames } from '../scenes/colours.ts';
import { splitWords } from './split-words.ts';

export interface Vocabulary {
  /** Words by id. `<pad>` is 0, then `<start>`, `<end>` and `<unk>`. */
  readonly words: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
}

/**
 * Every word of every caption that scenes of a tier can have, held-out objects included, from the grammar itself: always in the same order.
 */
export function vocabulary(tier: Tier): Vocabulary {
  const texts = [
    'a an large small , and on background',
    ...pairRelations,
    ...rowRelations,
    ...colourNames,
    ...catalogue(tier).map(({ name }) => name),
  ];
  const words = ['<pad>', '<start>', '<end>', '<unk>', ...new Set(texts.flatMap(splitWords))];
  return { words, ids: new Map(words.map((word, id) => [word, id])) };
}
