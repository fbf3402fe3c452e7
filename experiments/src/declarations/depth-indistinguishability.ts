import { controlNet, ldmConcatenation } from '@controllab/controlnet';
import type { BarFigure, Claim, GridImage, Measurement, PairStudy, Table } from '@controllab/report';
import { profiles, tuned, undrawn } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { costTable, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { REAL } from '../comparison/compute/judging/judge.ts';
import { ROUND_TRIP } from '../comparison/compute/judging/raters.ts';
import { BASE, BASE_ALONE, type Arm, type Drawing, type Experiment, type Profile, type RatedPair } from '../comparison/experiment.ts';
import { clipScore, conditionFidelity, frechet, objectRecognised } from '../comparison/compute/judging/measures.ts';
import { promptOf } from '../comparison/prompts.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER_DEPTH } from '../paper-values.ts';

const PROMPT = 'perfect';

/** Times the steps of ControlNet's training, each going on from the one before. */
const LENGTHS = [1, 4, 8] as const;

/** Stable Diffusion 2's depth-to-image model in form: the map beside the latents, all of a pretrained U-Net trained on. */
const depthBases = LENGTHS.reduce<Arm[]>((shorter, times, i) => {
  const before = shorter.at(-1);
  return [
    ...shorter,
    {
      id: `depth-base-${times}`,
      label: times === 1 ? 'depth base, equal steps' : `depth base, ${times} × the steps`,
      description: `the depth map at the latents’ size is one more input channel, and the whole pretrained U-Net trains, at a tenth of ControlNet’s rate; ${times === 1 ? 'as many steps as ControlNet' : `${times} times ControlNet’s steps`}`,
      method: ldmConcatenation({ condition: 'resized' }),
      // At ControlNet's own rate, which was screened for new layers, the pretrained ones would lose what they know.
      recipe: ({ steps, learningRate }) => ({ steps: (times - (LENGTHS[i - 1] ?? 0)) * steps, learningRate: learningRate / 10 }),
      ...(before === undefined ? {} : { from: before }),
    },
  ];
}, []);

const trained = (id: string, arm: Partial<Arm> = {}): Arm => ({ ...tuned.find((one) => one.id === id)!, ...arm });
const control = trained('proposed', { id: 'controlnet', method: controlNet() });
const AGAIN = 'controlnet-again';

export const arms: readonly Arm[] = [
  control,
  { ...control, id: AGAIN, label: 'ControlNet, trained again', description: `${control.description}; from other seeds`, seedShift: 1000 },
  trained('lite', { id: 'controlnet-lite' }),
  ...depthBases,
];

const UNGUIDED = 'controlnet-unguided';

/** The trained networks, the base model alone, and ControlNet without guidance, whose pictures are visibly worse. */
const drawings = (all: readonly Arm[], { conditions }: Profile): Drawing[] => [
  { ...BASE_ALONE, controls: [], panels: conditions },
  ...conditions.flatMap((condition) => {
    const by = (arm: string) => ({ controls: [{ arm, condition, scale: 1 }], panels: [condition] });
    return [
      ...all.map(({ id, label }): Drawing => ({ id, label, ...by(id) })),
      { id: UNGUIDED, label: 'ControlNet, no guidance', ...by(control.id), guidance: 1 },
    ];
  }),
];

/** Each against ControlNet: depth bases, and what tells what the answer means. */
const rated = (all: readonly Arm[]): RatedPair[] => {
  const against = (id: string, label: string): RatedPair => ({ id, label, of: [id, control.id], prompt: PROMPT });
  return [
    ...all.filter((arm) => arm.id !== control.id).map(({ id, label }) => against(id, label)),
    against(UNGUIDED, 'ControlNet, no guidance'),
    against(BASE, BASE_ALONE.label),
    against(ROUND_TRIP, 'the scenes, through the autoencoder'),
    against(REAL, 'the scenes themselves'),
  ];
};

/** The depth base that was trained longest. */
const longest = ({ arms: all }: Pick<View, 'arms'>): Arm => all.filter(({ id }) => depthBases.some((arm) => arm.id === id)).at(-1)!;

/**
 * Raters who are right less often than six times in ten cannot tell. The bound is what the paper's own number resolves: 0.17 between 12
 * users is a 95% interval of 0.11 to either side of the mean.
 */
const LEAST = 0.1;
const CANNOT_TELL = { kind: 'within', lo: 0.5 - LEAST, hi: 0.5 + LEAST } as const;

type Shown = 'single' | 'sideBySide';
const SHOWN: Readonly<Record<Shown, string>> = { single: 'pictures one by one', sideBySide: 'side by side' };

const accuracy = (view: View, panel: Panel, pair: string, shown: Shown): Measurement => view.measured(panel.rated(pair, shown), [0, 1]);

function claims(view: View): Claim[] {
  const { id: base, label } = longest(view);
  const shownIn = view.panels[0]!.id('rated');
  const nameOf = (pair: string): string => pairsOf(view).find(({ id }) => id === pair)!.label;
  const of = (
    text: Pick<Claim, 'id' | 'claim' | 'source' | 'test' | 'rule'>,
    pair: string,
    shown: Shown,
    paper: Parameters<View['claim']>[2] = null,
  ): Claim =>
    view.claim(
      { ...text, quantity: `share right, ${nameOf(pair)} or ControlNet, ${SHOWN[shown]}`, primary: true, shownIn },
      (panel) => accuracy(view, panel, pair, shown),
      paper,
    );
  const within = `within ${LEAST} of a half, by two one-sided tests over trainings, counts as not to be told apart`;
  const { claim, source, precision } = PAPER_DEPTH;
  return [
    of(
      {
        id: 'cannot-tell',
        claim,
        source,
        test: `Twelve raters each, taught with ${view.panels[0]!.ratedPictures(base) ?? 'no'} pictures of each model and asked of as many others of each, one by one: ${label} against ControlNet, same prompts, depth maps and noise; ${within}.`,
        rule: CANNOT_TELL,
      },
      base,
      'single',
      { text: precision.text, value: precision.mean, source },
    ),
    of(
      {
        id: 'cannot-tell-side-by-side',
        claim: 'Nor can they where they see both models’ pictures of the same prompt, depth map and noise side by side.',
        source: 'ours: a harder question than the paper asks',
        test: `The same raters’ question for pairs: which of the two is ControlNet’s? ${within}.`,
        rule: CANNOT_TELL,
      },
      base,
      'sideBySide',
    ),
    ...(view.meant.includes(AGAIN)
      ? [
          of(
            {
              id: 'chance-is-a-half',
              claim: 'Two trainings of one method are not told apart: a half is what sameness looks like here.',
              source: 'ours: calibration',
              test: `ControlNet against ControlNet trained from another seed, pictures one by one; ${within}.`,
              rule: CANNOT_TELL,
            },
            AGAIN,
            'single',
          ),
        ]
      : []),
    of(
      {
        id: 'raters-can-tell',
        claim: 'The raters do tell apart what differs: the test can fail.',
        source: 'ours: calibration',
        test: `ControlNet’s pictures against the scenes themselves, one by one; above ${CANNOT_TELL.hi} counts as told apart.`,
        rule: { kind: 'above', bound: CANNOT_TELL.hi },
      },
      REAL,
      'single',
    ),
  ];
}

const pairsOf = (view: View): RatedPair[] => rated(view.arms);

function ratedBars(view: View, panel: Panel): BarFigure {
  const pairs = pairsOf(view);
  return {
    kind: 'bar',
    id: panel.id('rated'),
    caption: `How often twelve raters are right when they tell each from ControlNet, 95% intervals over ${view.over}. Raters are logistic regressions on mini-inception’s features.`,
    categories: pairs.map(({ label }) => label),
    y: { label: 'share right' },
    series: (['single', 'sideBySide'] as const).map((shown) => ({
      label: SHOWN[shown],
      values: pairs.map(({ id }) => accuracy(view, panel, id, shown)),
    })),
    references: [
      { label: 'guessing', y: 0.5 },
      { label: `users of the paper (${PAPER_DEPTH.precision.mean})`, y: PAPER_DEPTH.precision.mean },
    ],
  };
}

function ratedTable(view: View, panel: Panel): Table {
  const { precision, users, source } = PAPER_DEPTH;
  return {
    kind: 'table',
    id: panel.id('raters'),
    caption: `Each told from ControlNet: share right, and its standard deviation between raters. The paper’s ${precision.text} is mean and deviation over ${users} users, who differ as raters that all learn by one rule do not.`,
    rowHeader: 'told from ControlNet',
    columns: (['single', 'sideBySide'] as const).flatMap((shown) =>
      ['share right', 'between raters'].map((label) => ({ label, group: SHOWN[shown] })),
    ),
    rows: [
      ...pairsOf(view).map(({ id, label }) => ({
        label,
        cells: (['single', 'sideBySide'] as const).flatMap((shown) => [
          accuracy(view, panel, id, shown),
          view.measured(panel.raterSpread(id, shown), [0, 1]),
        ]),
      })),
      {
        label: 'Stable Diffusion 2 depth-to-image, by users',
        cells: [
          { text: String(precision.mean), value: precision.mean, source },
          { text: String(precision.deviation), value: precision.deviation, source },
          null,
          null,
        ],
      },
    ],
  };
}

const paperCosts = (view: View, panel: Panel): Table => ({
  kind: 'table',
  id: panel.id('paper-cost'),
  caption: `What the paper prints of its two trainings (${PAPER_DEPTH.source}). Its ratio is at least sixty in images; here it is ${LENGTHS[depthBases.findIndex(({ id }) => id === longest(view).id)]} at most.`,
  rowHeader: 'Model',
  columns: [{ label: 'training images' }, { label: 'time' }, { label: 'on' }],
  rows: PAPER_DEPTH.training.map(({ label, images, time, machine }) => ({ label, cells: [images, time, machine] })),
});

/** The page for people: pictures of the first seed's trainings. */
function study(view: View, panel: Panel): PairStudy {
  const { id, label } = longest(view);
  const { examples } = view.scenes({});
  const [ofBase, ofControl] = [id, control.id].map((drawing) => panel.cells(drawing, PROMPT)[0]!.images);
  const shown = (shownAs: Shown): string => {
    const [test] = view.results.rated[panel.condition]![id]!;
    return `${test![shownAs].accuracy.toFixed(2)} ± ${test![shownAs].spread.toFixed(2)}`;
  };
  return {
    kind: 'pair-study',
    id: panel.id('tell-them-apart'),
    caption: `What twelve classifiers are asked can be asked of people: pictures of a ControlNet and of a depth base (${label}), both told the same prompt, depth map and noise. ${PAPER_DEPTH.users} users of the paper, asked picture by picture, were right in ${PAPER_DEPTH.precision.text} of 200 pictures.`,
    models: ['depth base', 'ControlNet'],
    pairs: examples.map((example, i) => {
      const image = (images: readonly (typeof ofBase & object)[number][]): GridImage => ({ ...images[i]!, alt: promptOf(example, PROMPT) });
      return { images: [image(ofBase!), image(ofControl!)] };
    }),
    beside: [
      { label: `twelve classifiers, ${SHOWN.single}`, text: shown('single') },
      { label: `twelve classifiers, ${SHOWN.sideBySide}`, text: shown('sideBySide') },
      { label: `${PAPER_DEPTH.users} users of the paper, about its own two models`, text: PAPER_DEPTH.precision.text },
    ],
  };
}

const standard: Profile = {
  ...undrawn.byLoss,
  conditions: ['depth'],
  seeds: 5,
  drawn: { singles: 170, pairs: 30, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  shown: { singles: 6, pairs: 2 },
};
const SHORT = ['controlnet', AGAIN, 'depth-base-1'];

const indistinguishability: Experiment = {
  id: 'depth-indistinguishability',
  title: 'Can a depth ControlNet be told from a depth-conditioned base?',
  description:
    'ControlNet against a base with the depth map among its inputs, trained up to eight times as long: twelve raters, and a page for people',
  profiles: {
    quick: {
      ...standard,
      // A longer base waits for the shorter one, and would take most of the minutes; in fewer steps ControlNet does not follow yet.
      arms: SHORT,
      seeds: 1,
      recipe: { ...standard.recipe, examples: 1024, steps: 240 },
      drawn: { ...standard.drawn, singles: 40, pairs: 8 },
    },
    standard,
    tiny: {
      ...profiles.tiny,
      conditions: ['depth'],
      arms: [...SHORT, 'depth-base-4'],
      // As many as raters need.
      drawn: { ...profiles.tiny.drawn, singles: 18, pairs: 2 },
    },
  },
  arms,
  costs: true,
  drawings,
  rated,
  prompts: [PROMPT],
  measures: [conditionFidelity, objectRecognised, clipScore, frechet],
  expected: {
    results: 4,
    // Of guesses: 400 pictures, asked in twelve overlapping choices.
    differences: [{ quantity: 'share right', scatter: 0.03 }],
  },
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const right = (pair: string, shown: Shown): number => accuracy(view, panel, pair, shown).value;
    const { id, label } = longest(view);
    const again = view.arms.some((arm) => arm.id === AGAIN);
    const shares = (shown: Shown): string =>
      `${right(id, shown).toFixed(2)}${again ? ` (two trainings of ControlNet ${right(AGAIN, shown).toFixed(2)})` : ''}`;
    const blind = right(REAL, 'single') < 0.5 + LEAST;
    const scenes = `ControlNet’s from the scenes themselves in ${blind ? 'no more than ' : ''}${right(REAL, 'single').toFixed(2)}${blind ? ', so that what they cannot tell one by one is no evidence of likeness' : ''}`;
    return `Of pictures one by one twelve raters tell a ${label}, from a ControlNet in ${shares('single')}, and ${scenes}; side by side in ${shares('sideBySide')}. A half is guessing, and users of the paper were right in ${PAPER_DEPTH.precision.mean}, one by one.`;
  },
  summary: ({ results: { profile }, seeds }) =>
    `The depth base is Stable Diffusion 2’s depth-to-image model in form: the map at the latents’ size is one more input channel of a pretrained U-Net, all of which trains, at a tenth of ControlNet’s rate. ControlNet trains for ${profile.recipe.steps} steps of ${profile.recipe.batchSize} with that U-Net locked. ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each, perfect prompts. Raters see what mini-inception makes of a picture and nothing else: what it is blind to, they cannot tell, and people may.`,
  claims,
  sections: (view) =>
    view.panels.flatMap((panel) => [
      {
        id: panel.id('told-apart'),
        title: panel.title('Which model drew it?'),
        blocks: [ratedBars(view, panel), ratedTable(view, panel)],
      },
      { id: panel.id('people'), title: panel.title('Ask yourself'), blocks: [study(view, panel)] },
      {
        id: panel.id('pictures'),
        title: panel.title('The pictures'),
        blocks: [
          sideBySide(view, panel, { prompt: PROMPT }),
          measureTable(view, panel, 'quality', ['fidelity', 'object', 'clip', 'frechet'], PROMPT),
          lossTable(view, panel),
        ],
      },
      {
        id: panel.id('costs'),
        title: panel.title('What each took'),
        blocks: [costTable(view, panel), trainingTable(view, panel), paperCosts(view, panel)],
      },
    ]),
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
};

export default comparison(indistinguishability);
