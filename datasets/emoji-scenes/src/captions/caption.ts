import type { Colour } from '../scenes/colours.ts';
import { article } from './noun.ts';

/** How the objects of a pair or of a row lie. */
export type Relation = 'left of' | 'right of' | 'above' | 'below' | 'in front of' | 'behind' | 'from left to right' | 'from top to bottom';

export const pairRelations = ['left of', 'right of', 'above', 'below', 'in front of', 'behind'] as const satisfies readonly Relation[];
export const rowRelations = ['from left to right', 'from top to bottom'] as const satisfies readonly Relation[];

/** What a caption says, in the grammar's slots. Change a slot and the sentence still comes out right. */
export interface CaptionParts {
  /** One to three object names, in the order they are named. None leaves only the background. */
  readonly names: readonly string[];
  /** Said of a single object; null in pairs and rows, and where it is to be left unsaid. */
  readonly sizeWord: 'large' | 'small' | null;
  /** Null for a single object. */
  readonly relation: Relation | null;
  readonly colour: Colour;
}

/**
 * The sentence of a scene or of parts that an experiment made up.
 *
 *     a large owl on a red background
 *     grapes left of an owl on an orange background
 *     an owl, bread and a cat from left to right on a teal background
 *     a red background                                              (no names)
 */
export function caption(parts: CaptionParts): string {
  const { names, sizeWord, relation, colour } = parts;
  const background = `${withArticle(colour)} background`;
  const nouns = names.map((name, i) => (i === 0 && sizeWord ? sized(sizeWord, name) : withArticle(name)));
  if (nouns.length === 0) return background;
  if (nouns.length === 1) return `${nouns[0]} on ${background}`;
  if (pairRelations.some((known) => known === relation)) return `${nouns[0]} ${relation} ${nouns[1]} on ${background}`;
  return `${nouns.slice(0, -1).join(', ')} and ${nouns.at(-1)} ${relation} on ${background}`;
}

function withArticle(name: string): string {
  const word = article(name);
  return word ? `${word} ${name}` : name;
}

function sized(size: 'large' | 'small', name: string): string {
  return article(name) ? `a ${size} ${name}` : `${size} ${name}`;
}
