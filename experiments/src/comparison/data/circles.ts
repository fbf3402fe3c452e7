import { jsonHash } from '@controllab/data';
import { colourNames, colours, type Colour } from '@controllab/emoji-scenes';
import { fill50k, type CircleExample, type CircleSource } from '@controllab/fill50k';
import { ExperimentError } from '../../runner/errors.ts';
import { drawnNow, REFERENCE_SCENES, type LazySet } from '../compute/drawing/evaluation-set.ts';
import type { OpenComparedData } from './compared-data.ts';

/** Circles of one seed are drawn anew by another: place, size and colours. */
const SEEDS = { training: 0, evaluation: 1, heldOutLoss: 2, frechetReference: 3 } as const;

const circles =
  (told: Pick<CircleSource, 'palette' | 'wording'>): OpenComparedData =>
  async ({ base: { pixels: size } }) => {
    const of = (seed: number) => fill50k({ seed, size, ...told });
    const held = (seed: number, count: number, first = 0): LazySet => {
      const all = of(seed);
      return {
        hash: jsonHash({ hash: all.hash, from: first, count }),
        async examples() {
          const examples: CircleExample[] = [];
          for (let i = first; i < first + count; i++) examples.push(await all.example(i));
          return examples;
        },
      };
    };
    return {
      dataset: of(SEEDS.training),
      evaluation: async ({ singles, pairs }, from = 0) => ({
        ...(await drawnNow(held(SEEDS.evaluation, noPairs(singles, pairs), from * singles))),
        singles,
      }),
      async loss({ scenes, timesteps }, unseen) {
        if (unseen !== undefined) throw new ExperimentError('invalid-option', `circles have no scenes that hold an ${unseen}`, { unseen });
        return { scenes: await drawnNow(held(SEEDS.heldOutLoss, scenes)), timesteps };
      },
      reference: () => Promise.resolve(held(SEEDS.frechetReference, REFERENCE_SCENES)),
    };
  };

/** @throws ExperimentError invalid-option for pairs, which there are not */
function noPairs(singles: number, pairs: number): number {
  if (pairs > 0)
    throw new ExperimentError('invalid-option', `a profile of circles asks for ${pairs} pairs: a picture has one circle`, { pairs });
  return singles;
}

/** The tutorial's circles in the colours that the embedded default knows by name, as its backgrounds have them. */
export const knownCircles = circles({ palette: colours });

/** The same pictures, told in sentences as the embedded default's captions are. */
export const toldCircles = circles({ palette: colours, wording: 'sentence' });

/** Other words for these colours, none of which any of its captions has. */
const UNREAD: Readonly<Record<Colour, string>> = {
  white: 'alabaster',
  gray: 'pewter',
  red: 'crimson',
  orange: 'amber',
  yellow: 'saffron',
  green: 'emerald',
  teal: 'cyan',
  blue: 'azure',
  purple: 'violet',
  pink: 'salmon',
  brown: 'umber',
};

/** The same pictures, their colours called what the embedded default never read. */
export const unreadCircles = circles({ palette: Object.fromEntries(colourNames.map((name) => [UNREAD[name], colours[name]])) });
