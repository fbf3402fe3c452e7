import type { RandomStream } from './random-stream.ts';
import { pairRelations, rowRelations, type Relation } from '../captions/caption.ts';

/** Where an object's square cell lies, in fractions of the image side. */
export interface Place {
  readonly centreX: number;
  readonly centreY: number;
  readonly side: number;
}

/** Uniform in [from, to). */
const between = (random: RandomStream, from: number, to: number) => from + (to - from) * random.uniform();

/** One object anywhere in the image. A small one is larger at 32 px and less, where it would otherwise be a blob. */
export function layOutSingle(random: RandomStream, sizeWord: 'large' | 'small', imageSize: number): Place {
  const [least, most] = sizeWord === 'large' ? [0.75, 0.95] : imageSize <= 32 ? [0.5, 0.62] : [0.38, 0.52];
  const side = between(random, least, most);
  return {
    centreX: 0.5 + (random.uniform() - 0.5) * (1 - side),
    centreY: 0.5 + (random.uniform() - 0.5) * (1 - side),
    side,
  };
}

/** Two objects beside, above or before one another: the places of the one named first and of the one named second. */
export function layOutPair(random: RandomStream): { relation: Relation; places: Place[] } {
  const relation = pairRelations[random.integer(pairRelations.length)]!;
  if (relation === 'in front of' || relation === 'behind') {
    const towards = random.uniform() < 0.5 ? -1 : 1;
    const front = {
      centreX: 0.5 + towards * between(random, 0.14, 0.22),
      centreY: between(random, 0.62, 0.7),
      side: between(random, 0.5, 0.58),
    };
    const back = {
      centreX: 0.5 - towards * between(random, 0.1, 0.18),
      centreY: between(random, 0.33, 0.41),
      side: between(random, 0.58, 0.66),
    };
    return { relation, places: relation === 'behind' ? [back, front] : [front, back] };
  }
  const horizontal = relation === 'left of' || relation === 'right of';
  const [first, second] = [0.26, 0.74].map((along): Place => {
    const main = along + between(random, -0.01, 0.01);
    const cross = 0.5 + between(random, -0.17, 0.17);
    const side = between(random, 0.44, 0.5);
    return horizontal ? { centreX: main, centreY: cross, side } : { centreX: cross, centreY: main, side };
  }) as [Place, Place];
  return { relation, places: relation === 'left of' || relation === 'above' ? [first, second] : [second, first] };
}

/** Three objects in a row or in a column. */
export function layOutRow(random: RandomStream): { relation: Relation; places: Place[] } {
  const relation = rowRelations[random.integer(rowRelations.length)]!;
  const places = [0, 1, 2].map((k): Place => {
    const main = (k + 0.5) / 3 + between(random, -0.01, 0.01);
    const cross = between(random, 0.25, 0.75);
    const side = between(random, 0.3, 0.34);
    return relation === 'from left to right' ? { centreX: main, centreY: cross, side } : { centreX: cross, centreY: main, side };
  });
  return { relation, places };
}
