import { controlNet } from '@controllab/controlnet';
import type { Claim } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import { heldOut, profiles, undrawn } from './arms.ts';
import { lossBars, lossTable } from '../comparison/view/blocks/losses.ts';
import { measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { costTable } from '../comparison/view/blocks/trainings.ts';
import { LOSS_RULES, lossClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import { BASE, recipeOf, type Arm, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { clipScore, conditionFidelity, frechet, objectRecognised } from '../comparison/compute/judging/measures.ts';
import { numberText } from '../comparison/view/questions.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

const SIZES = [1024, 4096] as const;
const LARGE = 16384;

/** The first scenes of a profile's, at most so many. */
const of =
  (size: number, share = 1) =>
  ({ examples, steps }: Recipe): Partial<Recipe> => ({ examples: Math.min(examples, size), steps: Math.round(share * steps) });

/** Half of the steps with the middle block connected alone, half with all connections, and all steps with all of them. */
const small: readonly Arm[] = SIZES.flatMap((size) => {
  const middle: Arm = {
    id: `mid-${size}`,
    label: `middle block alone, ${size} scenes`,
    description: 'ControlNet connected at the middle block alone, half of the steps',
    method: controlNet({ onlyMid: true }),
    recipe: of(size, 1 / 2),
  };
  return [
    {
      id: `full-${size}`,
      label: `all connections, ${size} scenes`,
      description: controlNet().description,
      method: controlNet(),
      recipe: of(size),
    },
    middle,
    {
      id: `reconnected-${size}`,
      label: `middle block, then all, ${size} scenes`,
      description:
        'the other connections are added, at zero, for the second half of the steps; the rate warms up and AdamW’s moments begin anew, as where a training is begun from its weights',
      method: controlNet(),
      recipe: of(size, 1 / 2),
      from: middle,
    },
  ];
});

const locked: Arm = {
  id: `full-${LARGE}`,
  label: 'locked',
  description: controlNet().description,
  method: controlNet(),
  recipe: of(LARGE),
};

/** The same trained on, with the base locked or not. */
const large: readonly Arm[] = [
  locked,
  { ...locked, id: 'locked-on', label: 'locked, trained on', description: 'the same for as many steps again', from: locked },
  {
    ...locked,
    id: 'joint-on',
    label: 'unlocked, trained on',
    description: 'the whole U-Net trains with it for as many steps again, at a tenth of the rate',
    method: controlNet({ jointRate: 0.1 }),
    from: locked,
  },
];

const arms: readonly Arm[] = [...small, ...large];

const WITHOUT = 'joint-base';

/** Every network, and the base that was trained jointly, without its control. */
const drawings = (trained: readonly Arm[], { conditions }: Profile): Drawing[] => [
  { id: BASE, label: 'base model, no control', controls: [], panels: conditions },
  ...conditions.flatMap((condition) =>
    trained.map(({ id, label }) => ({ id, label, controls: [{ arm: id, condition, scale: 1 }], panels: [condition] })),
  ),
  ...conditions.flatMap((condition) =>
    trained.some(({ id }) => id === 'joint-on')
      ? [
          {
            id: WITHOUT,
            label: 'base that was trained jointly, no control',
            controls: [{ arm: 'joint-on', condition, scale: 0 }],
            panels: [condition],
          },
        ]
      : [],
  ),
];

const losses = (panel: Panel, arm: string) => panel.heldOut(arm, 'none');

/** Share of objects that a base must lose before anybody would mind. */
const LEAST = 0.04;

function claims(view: View): Claim[] {
  const trained = view.arms.map(({ id }) => id);
  const { costs } = view.results;
  const [size] = SIZES.filter((each) => [`mid-${each}`, `full-${each}`].every((id) => trained.includes(id)));
  return [
    ...(size === undefined
      ? []
      : [
          view.fact(
            {
              ...PAPER.smallData,
              id: 'middle-alone-cheaper',
              claim: 'A training step with the middle block connected alone is much cheaper.',
              test: 'Multiply-accumulates of a training step, all connections over middle block alone; the paper’s 1.6 are of seconds on one graphics card. A quarter is the least that would matter.',
              quantity: 'multiply-accumulates, all connections / middle block alone',
              rule: { kind: 'above', bound: 1.25 },
              shownIn: view.panels[0]!.id('cost'),
            },
            costs[`full-${size}`]!.step / costs[`mid-${size}`]!.step,
            1,
            { text: 'about 1.6 in time', source: PAPER.smallData.source },
          ),
        ]),
    ...SIZES.flatMap((each) =>
      lossClaim(
        view,
        {
          ...PAPER.smallData,
          id: `reconnected-${each}`,
          claim: 'Beginning with the middle block alone and adding the other connections later loses nothing at equal steps.',
          test: `Middle block, then all, minus all connections from the start, ${each} scenes.`,
          quantity: `held-out loss, middle block then all − all, ${each} scenes`,
          rule: LOSS_RULES.noMore,
        },
        [`reconnected-${each}`, `full-${each}`],
        (panel) => view.difference(losses(panel, `reconnected-${each}`), losses(panel, `full-${each}`)),
      ),
    ),
    ...lossClaim(
      view,
      {
        claim: 'With much data, unlocking all of the base once ControlNet has converged gains more than training on with it locked.',
        source: `${PAPER.largeData.source}, which says that it may be done`,
        id: 'unlocking-gains',
        test: 'Trained on with the base locked minus trained on with all of it unlocked, equal steps.',
        quantity: 'held-out loss, locked − unlocked',
      },
      ['locked-on', 'joint-on'],
      (panel) => view.difference(losses(panel, 'locked-on'), losses(panel, 'joint-on')),
    ),
    ...(view.meant.includes('joint-on')
      ? [
          view.claim(
            {
              id: 'unlocking-forgets',
              claim: 'A base that was trained jointly forgets some of what it could draw without control.',
              source: 'ours, after CN repository, docs/train.md: sd_locked, which unlocks the decoder alone, is called dangerous',
              test: `Share of single objects that mini-inception names, perfect prompt, no control: the base minus the one that was trained jointly, same noise; less than ${LEAST} counts as nothing.`,
              quantity: 'object top-1 without control, base − jointly trained base',
              rule: { kind: 'above', bound: LEAST },
              primary: true,
              shownIn: view.panels[0]!.id('quality'),
            },
            (panel) => view.difference(panel.samples(BASE, 'perfect', 'object'), panel.samples(WITHOUT, 'perfect', 'object'), [0, 1]),
          ),
        ]
      : []),
  ];
}

const standard: Profile = {
  ...undrawn.byLoss,
  heldOut,
  drawn: { singles: 96, pairs: 0, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  shown: { singles: 6, pairs: 0 },
};

const regimes: Experiment = {
  id: 'training-regimes',
  title: 'Little data and much: the middle block first, and the base unlocked at the end',
  description: 'small data: middle block alone, then all connections; large: trained on locked or unlocked, and what the base forgets',
  profiles: {
    quick: {
      ...standard,
      arms: ['full-1024', 'mid-1024', 'reconnected-1024', `full-${LARGE}`, 'locked-on', 'joint-on'],
      seeds: 1,
      recipe: { ...standard.recipe, examples: 2048, steps: 100 },
      heldOut: { ...heldOut, scenes: 16 },
      drawn: { ...standard.drawn, singles: 24 },
    },
    standard,
    tiny: {
      ...profiles.tiny,
      arms: ['full-1024', 'mid-1024', 'reconnected-1024', `full-${LARGE}`, 'joint-on'],
      drawn: { ...profiles.tiny.drawn, pairs: 0 },
      shown: { singles: 2, pairs: 0 },
    },
  },
  arms,
  conditions: 'one',
  costs: true,
  drawings,
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, objectRecognised, clipScore, frechet],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const beside = (one: string, other: string, what: (loss: (arm: string) => string) => string): string[] =>
      [one, other].every((id) => view.arms.some((arm) => arm.id === id))
        ? [what((arm) => view.measured(losses(panel, arm)).value.toFixed(3))]
        : [];
    const found = [
      ...SIZES.flatMap((size) =>
        beside(`reconnected-${size}`, `full-${size}`, (loss) =>
          [
            `with the middle block connected first ControlNet ends at a held-out loss of ${loss(`reconnected-${size}`)} on ${recipeOf(view.results.profile, view.arm(`full-${size}`)).examples.toLocaleString('en')} scenes`,
            `with all connections from the start at ${loss(`full-${size}`)}`,
          ].join(', '),
        ),
      ),
      ...beside(
        'joint-on',
        'locked-on',
        (loss) => `trained on with the base unlocked at ${loss('joint-on')}, locked at ${loss('locked-on')}`,
      ),
    ];
    return found.length === 0 ? 'This profile lacks what would be compared.' : `At equal steps, ${found.join('; ')}.`;
  },
  summary: ({ arms, results: { profile }, seeds }) => {
    const scenes = (of: readonly Arm[]): string =>
      [...new Set(of.filter((arm) => arms.includes(arm)).map((arm) => recipeOf(profile, arm).examples))]
        .map((size) => size.toLocaleString('en'))
        .join(' and ');
    return `The advice is from the paper’s first version. ${profile.recipe.steps} steps of ${profile.recipe.batchSize} in all on ${scenes(small)} scenes; on ${scenes(large)} as many steps again behind them. A training that goes on from another has its weights and the batches behind its, with a new warm-up and new moments. ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each.`;
  },
  claims,
  sections: (view) =>
    view.panels.flatMap((panel) => {
      const controlled = panel.drawings.filter(({ id }) => id !== BASE && id !== WITHOUT);
      const without = panel.drawings.filter(({ id }) => id === BASE || id === WITHOUT);
      const object = (id: string): string => numberText(panel.value(id, 'perfect', 'object'), 2);
      return [
        {
          id: panel.id('small'),
          title: panel.title('Little data: middle block first'),
          blocks: [
            lossBars(
              view,
              panel,
              'small-loss',
              view.arms.filter(({ id }) => small.some((arm) => arm.id === id)),
            ),
            costTable(view, panel),
          ],
        },
        {
          id: panel.id('large'),
          title: panel.title('Much data: unlocked at the end'),
          blocks: [
            lossBars(
              view,
              panel,
              'large-loss',
              view.arms.filter(({ id }) => large.some((arm) => arm.id === id)),
            ),
            {
              kind: 'prose',
              text: `Without control, ${without.map(({ id, label }) => `the ${label.replace(', no control', '')} draws an object that is recognised in ${object(id)} of its pictures`).join('; ')}.`,
            },
            measureTable(view, panel, 'quality', ['object', 'clip', 'frechet'], 'perfect', without),
          ],
        },
        {
          id: panel.id('pictures'),
          title: panel.title('The pictures'),
          blocks: [
            sideBySide(view, panel, { prompt: 'perfect' }),
            sideBySide(view, panel, { drawings: controlled, prompt: 'none', id: 'unprompted-grid' }),
            measureTable(view, panel, 'drawn', ['fidelity', 'object', 'frechet'], 'perfect'),
            lossTable(view, panel),
          ],
        },
      ];
    }),
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
};

export default comparison(regimes);
