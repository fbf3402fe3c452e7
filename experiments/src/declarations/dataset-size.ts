import { Option } from 'commander';
import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { DataScalingError, fitLaw, powerLaw, predictRuns, SIZES, type Prediction } from '@controllab/data-scaling';
import type { Claim, Prose, Section } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import { profiles as drawing, recipe } from './arms.ts';
import { comparison } from '../comparison/comparison.ts';
import { clipScore, conditionFidelity, frechet, objectRecognised } from '../comparison/compute/judging/measures.ts';
import { BASE, LOSS_SCENES, samplesOf, type Arm, type Experiment, type Profile } from '../comparison/experiment.ts';
import { readSealed, sealFirst } from '../comparison/sealed.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { armsByPrompts } from '../comparison/view/blocks/pictures.ts';
import { seedsText } from '../comparison/view/questions.ts';
import { cameText, copyTable, foretoldTable, gapOf, scenesSeen, sizeLine, sizeTable, type Foretold } from '../comparison/view/sizes.ts';
import { capitalised, combine, mean, type Panel, type View } from '../comparison/view/view.ts';
import type { Job } from '../runner/job.ts';
import { PAPER } from '../paper-values.ts';

const METHODS = [controlNet(), controlNeXt()] as const;
const [FIRST, LAST] = [SIZES[0], SIZES.at(-1)!];
/** Between the others where "more data keeps helping" is put to the test, and where conditions are made wrong. */
const MIDDLE = 50_000;
/** What is foretold is foretold from sizes up to this one. */
const FITTED_UP_TO = 250_000;

const counted = (scenes: number): string => `${scenes.toLocaleString('en')} scenes`;

const idOf = (method: string, size: number): string => `${method}-${size}`;

/** Seeds of a size: five where a verdict rests on it. */
const seedsAt = (method: string, size: number): number =>
  size === FIRST || size === LAST || (size === MIDDLE && method === 'controlnet')
    ? 5
    : size <= FITTED_UP_TO && method === 'controlnet'
      ? 2
      : 1;

const armOf = (
  method: (typeof METHODS)[number],
  size: number,
  change: { id?: string; label?: string; seeds?: number; wrongConditions?: number; recipe?: Partial<Recipe> } = {},
): Arm => ({
  id: `${idOf(method.id, size)}${change.id ?? ''}`,
  label: `${method.label}, ${counted(size)}${change.label ?? ''}`,
  description: `${method.label} on the first ${counted(size)}${change.label ?? ''}`,
  method,
  seeds: change.seeds ?? seedsAt(method.id, size),
  ...(change.wrongConditions === undefined ? {} : { wrongConditions: change.wrongConditions }),
  recipe: { examples: size, ...change.recipe },
});

const [controlnet, controlnext] = METHODS;
const SHARES = [0.2, 0.5] as const;
/** Steps in which ten thousand scenes are seen twice, in batches of eight. */
const LONG = 2500;
const EPOCHS = 2;

const wrong = SHARES.map((share) =>
  armOf(controlnet, MIDDLE, { id: `-wrong-${100 * share}`, label: `, ${100 * share}% wrong conditions`, seeds: 2, wrongConditions: share }),
);
/** Equal epochs: every scene twice. */
const epochs = [1e3, 5e3, 1e4].map((size) =>
  armOf(controlnet, size, {
    id: '-epochs',
    label: `, ${EPOCHS} epochs`,
    seeds: 1,
    recipe: { order: 'epochs', steps: (EPOCHS * size) / recipe.batchSize },
  }),
);
/** As many steps as the last of them, on a tenth and on ten times its scenes. */
const long = [1e3, 1e5].map((size) =>
  armOf(controlnet, size, { id: '-long', label: `, ${LONG} steps`, seeds: 1, recipe: { order: 'epochs', steps: LONG } }),
);
/** Sizes at which ControlNeXt is trained in the standard profile: every tenfold. */
const sparse = new Set([1e3, 1e4, 1e5, LAST]);

const arms: readonly Arm[] = [...METHODS.flatMap((method) => SIZES.map((size) => armOf(method, size))), ...wrong, ...epochs, ...long];
const atEqualSteps = (method: string): Arm[] => SIZES.map((size) => arms.find(({ id }) => id === idOf(method, size))!);
const idsOf = (chosen: readonly Arm[]): string[] => chosen.map(({ id }) => id);
/** Every id has its size behind the method's. */
const sizeOf = ({ id }: Arm): number => Number(id.split('-')[1]);

const standardArms = [
  ...atEqualSteps('controlnet'),
  ...atEqualSteps('controlnext').filter((arm) => sparse.has(sizeOf(arm))),
  ...wrong,
  ...epochs,
  ...long,
];

const standard: Profile = {
  ...drawing.standard,
  arms: idsOf(standardArms),
  conditions: ['canny', 'segmentation'],
  seeds: 5,
  recipe: { ...recipe, steps: 400 },
  follow: { images: 16, steps: 10, every: 100, copies: true },
  drawn: { singles: 32, pairs: 16, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
  heldOut: { ...drawing.standard.heldOut, alsoOn: LOSS_SCENES },
  shown: { singles: 3, pairs: 1 },
};

const fewArms = [idOf('controlnet', FIRST), idOf('controlnet', MIDDLE), idOf('controlnet', LAST), idOf('controlnext', FIRST)];

const profiles = {
  quick: {
    ...standard,
    arms: fewArms,
    conditions: ['canny'],
    seeds: 1,
    recipe: { ...recipe, steps: 200 },
    drawn: { ...drawing.quick.drawn, singles: 16, pairs: 8 },
    heldOut: { ...standard.heldOut!, scenes: 32 },
  },
  standard,
  /** The standard run without what its prediction is held against: its table is sealed before the larger sizes are trained. */
  sealed: {
    ...standard,
    arms: idsOf(
      [...atEqualSteps('controlnet'), ...atEqualSteps('controlnext').filter((arm) => sparse.has(sizeOf(arm)))].filter(
        (arm) => sizeOf(arm) <= FITTED_UP_TO,
      ),
    ),
  },
  tiny: {
    ...drawing.tiny,
    arms: [...fewArms, `${idOf('controlnet', MIDDLE)}-wrong-50`],
    follow: { ...drawing.tiny.follow, copies: true },
    heldOut: { ...drawing.tiny.heldOut, alsoOn: LOSS_SCENES },
  },
} satisfies Record<string, Profile>;

const trained = (view: View, ...ids: string[]): boolean => ids.every((id) => view.arms.some((arm) => arm.id === id));

/** Whether arms were to be trained, failed or not. */
const meant = (view: View, ...ids: string[]): boolean => ids.every((id) => view.meant.includes(id));

const lossOf = (panel: Panel, id: string) => panel.heldOut(id, 'none');

/** What the law of the smaller sizes says of the largest one, and what came: a row a method and condition. */
function foretold(view: View): Foretold[] {
  return view.panels.flatMap((panel) =>
    METHODS.flatMap(({ id, label }): Foretold[] => {
      const known = atEqualSteps(id).filter((arm) => sizeOf(arm) <= FITTED_UP_TO && trained(view, arm.id));
      const points = known.flatMap((arm) =>
        lossOf(panel, arm.id).map((losses, i) => ({ seen: scenesSeen(view, sizeOf(arm), view.seeds[i]!), loss: mean(losses) })),
      );
      const replicates = view.seeds.slice(0, seedsAt(id, LAST));
      const at = mean(replicates.map((seed) => scenesSeen(view, LAST, seed)));
      const prediction = points.length === 0 ? null : predicted(points, at, replicates.length);
      const largest = idOf(id, LAST);
      return prediction === null
        ? []
        : [
            {
              label: `${label}, ${panel.label}, ${seedsText(view.seeds)}`,
              prediction,
              came: trained(view, largest) ? view.measured(lossOf(panel, largest)) : null,
              finished: trained(view, largest) ? view.results.trainings[panel.condition]![largest]!.map(({ record }) => record) : [],
            },
          ];
    }),
  );
}

/** Of which runs the prediction is. */
const foretoldRuns = ({ results: { profile } }: View): string =>
  `${counted(LAST)}, ${samplesOf(profile, {}).toLocaleString('en')} samples a training, base ${profile.base}`;

/**
 * By a power of the scenes that a training sees; null where there are too few runs for one.
 * @param at how many the trainings see that are foretold
 * @param replicates of how many trainings the mean is foretold
 */
function predicted(points: readonly { seen: number; loss: number }[], at: number, replicates: number): Prediction | null {
  const runs = { D: Float64Array.from(points, ({ seen }) => seen), loss: Float64Array.from(points, ({ loss }) => loss) };
  try {
    const fit = fitLaw(powerLaw('D'), runs, { delta: Infinity });
    return predictRuns(fit, runs, { D: at }, { level: 0.9, replicates });
  } catch (error) {
    if (error instanceof DataScalingError) return null;
    throw error;
  }
}

const LEAST_LOSS = 0.003;
const LEAST_FIDELITY = 0.1;

function claims(view: View): Claim[] {
  const [first] = view.panels as [Panel];
  const drawn = samplesOf(view.results.profile, {});
  const shown = (block: string) => ({ primary: true, shownIn: first.id(block) });
  const helps = (
    id: string,
    method: (typeof METHODS)[number],
    small: number,
    large: number,
    { remark = '', primary = true }: { remark?: string; primary?: boolean } = {},
  ): Claim[] =>
    meant(view, idOf(method.id, small), idOf(method.id, large))
      ? [
          view.claim(
            {
              ...PAPER.moreImages,
              id,
              test: `Held-out loss without a prompt at equal steps, ${method.label} on ${counted(small)} minus on ${counted(large)}; less than ${LEAST_LOSS} counts as nothing.${remark}`,
              quantity: `held-out loss, ${method.label}, ${counted(small)} − ${counted(large)}`,
              rule: { kind: 'above', bound: LEAST_LOSS },
              ...shown('held-out-loss'),
              primary,
            },
            (panel) => view.difference(lossOf(panel, idOf(method.id, small)), lossOf(panel, idOf(method.id, large))),
          ),
        ]
      : [];
  const collapse = ({ id, label }: (typeof METHODS)[number]): Claim[] => {
    const small = idOf(id, FIRST);
    const minusBase = (panel: Panel, measure: string) =>
      view.measured(
        combine(panel.samples(small, 'perfect', measure), panel.samples(BASE, 'perfect', measure), (a, b) => a - b),
        [-1, 1],
      );
    const test = (what: string, bound: number): string =>
      `${what} with a perfect prompt, ${label} trained on ${counted(FIRST)} minus the base model without control; above ${bound} it has not collapsed.`;
    return meant(view, small)
      ? [
          view.claim(
            {
              ...PAPER.fewImages,
              id: `follows-at-1000-${id}`,
              test: test('Fidelity', LEAST_FIDELITY),
              quantity: `fidelity, ${label} on ${counted(FIRST)} − base model`,
              rule: { kind: 'above', bound: LEAST_FIDELITY },
              ...shown('sizes'),
            },
            (panel) => minusBase(panel, 'fidelity'),
          ),
          view.claim(
            {
              ...PAPER.fewImages,
              id: `recognised-at-1000-${id}`,
              test: test('Share of single objects that mini-inception names', -LEAST_FIDELITY),
              quantity: `objects recognised, ${label} on ${counted(FIRST)} − base model`,
              rule: { kind: 'above', bound: -LEAST_FIDELITY },
              ...shown('sizes'),
            },
            (panel) => minusBase(panel, 'object'),
          ),
        ]
      : [];
  };
  /** Where a condition is not followed on any number of scenes, the base model tells nothing of what few of them cost. */
  const noLess = ({ id, label }: (typeof METHODS)[number], large: number): Claim[] =>
    meant(view, idOf(id, FIRST), idOf(id, large))
      ? [
          view.claim(
            {
              ...PAPER.fewImages,
              id: `no-less-at-1000-${id}`,
              test: `Fidelity with a perfect prompt, ${label} trained on ${counted(FIRST)} minus on ${counted(large)}; above ${-LEAST_FIDELITY} it has not collapsed.`,
              quantity: `fidelity, ${label}, ${counted(FIRST)} − ${counted(large)}`,
              rule: { kind: 'above', bound: -LEAST_FIDELITY },
              primary: false,
              shownIn: first.id('sizes'),
            },
            (panel) =>
              view.difference(
                panel.samples(idOf(id, FIRST), 'perfect', 'fidelity'),
                panel.samples(idOf(id, large), 'perfect', 'fidelity'),
                [0, 1],
              ),
          ),
        ]
      : [];
  return [
    ...METHODS.flatMap(collapse),
    ...noLess(controlnet, MIDDLE),
    ...noLess(controlnext, LAST),
    ...helps('more-helps-up-to-50000', controlnet, FIRST, MIDDLE),
    ...helps(
      'more-helps-beyond-50000',
      controlnet,
      MIDDLE,
      LAST,
      // A verdict of none would say nothing of more images.
      {
        remark: ` At equal steps both show a training about ${drawn.toLocaleString('en')} different scenes: no difference is expected.`,
        primary: false,
      },
    ),
    ...helps('more-helps-controlnext', controlnext, FIRST, LAST),
  ];
}

/** What stands above the prediction. */
const OF_THE_LAW: Prose = {
  kind: 'prose',
  text: 'The law is of how many different scenes a training sees at equal steps, which are drawn with replacement: of 1,000 nearly all, of 250,000 hardly fewer than of 3,000,000. By how many there are a power would foretell too little loss. What is foretold lies close to what was seen, and is a prediction of the trainings’ mean more than of a law.',
};

function sections(view: View): Section[] {
  const lines = METHODS.map(({ id, label }) => ({ label, points: atEqualSteps(id).filter((arm) => trained(view, arm.id)) }))
    .filter(({ points }) => points.length > 1)
    .map(({ label, points }) => ({ label, points: points.map((arm) => ({ x: sizeOf(arm), arm: arm.id })) }));
  const line = (panel: Panel, id: string, y: string, of: Parameters<typeof sizeLine>[3]['of']) =>
    lines.length === 0 ? [] : [sizeLine(view, panel, id, { lines, y, of })];
  const rows = foretold(view);
  const shown = new Set([BASE, ...idsOf(atEqualSteps('controlnet'))]);
  const pictured = (panel: Panel) => panel.drawings.filter(({ id }) => shown.has(id));
  return [
    ...view.panels.map((panel) => ({
      id: panel.id('pictures'),
      title: panel.title('Pictures by size'),
      blocks: [armsByPrompts(view, panel, pictured(panel))],
    })),
    ...view.panels.map((panel) => ({
      id: panel.id('size'),
      title: panel.title('What more scenes bring'),
      blocks: [
        ...line(panel, 'loss-by-size', 'held-out loss without a prompt', (arm) => view.measured(lossOf(panel, arm))),
        ...line(panel, 'fidelity-by-size', view.measure('fidelity').label(panel.condition), (arm) =>
          panel.value(arm, 'perfect', 'fidelity'),
        ),
        ...line(panel, 'gap-by-size', 'held-out loss − loss on trained scenes, without a prompt', (arm) => gapOf(view, panel, arm)),
        sizeTable(view, panel),
        lossTable(view, panel),
        copyTable(view, panel),
      ],
    })),
    ...(rows.length === 0
      ? []
      : [
          {
            id: 'prediction',
            title: 'Foretold and came',
            blocks: [OF_THE_LAW, foretoldTable(rows, readSealed('dataset-size'), foretoldRuns(view))],
          },
        ]),
  ];
}

/** Loss and fidelity on the fewest and on the most scenes that each method was trained on for equal steps. */
function methodsText(view: View, panel: Panel): string {
  const loss = (arm: Arm): string => view.measured(lossOf(panel, arm.id)).value.toFixed(3);
  const fidelity = (id: string): string => panel.value(id, 'perfect', 'fidelity').value.toFixed(2);
  const methods = METHODS.flatMap(({ id, label }) => {
    const on = atEqualSteps(id).filter((arm) => trained(view, arm.id));
    const ends = on.length > 1 ? [on[0]!, on.at(-1)!] : on;
    return ends.length === 0
      ? []
      : [
          `${label} on ${ends.map((arm) => sizeOf(arm).toLocaleString('en')).join(' and on ')} scenes has a held-out loss without a prompt of ${ends.map(loss).join(' and ')} and a fidelity of ${ends.map((arm) => fidelity(arm.id)).join(' and ')}`,
        ];
  });
  return [...methods, `the base model without control a fidelity of ${fidelity(BASE)}`].join(', ');
}

const datasetSize: Experiment = {
  id: 'dataset-size',
  title: 'How many images? ControlNet and ControlNeXt on 1,000 to 3,000,000 scenes',
  description:
    'ControlNet and ControlNeXt on nested subsets of 1,000 to 3,000,000 scenes, wrong conditions, copies; take `sealed` first, `standard` when it is committed',
  profiles,
  arms,
  conditions: 'several',
  // Of the published ablation's Canny ControlNets, two of them unpaired: sizes see other scenes.
  expected: { results: 12, differences: [{ quantity: 'held-out loss', scatter: 0.011 }] },
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity, objectRecognised, clipScore, frechet],
  takeaway: (view) =>
    [
      ...view.panels.map((panel) => `${capitalised(panel.label)}: ${methodsText(view, panel)}.`),
      ...cameText(foretold(view), readSealed('dataset-size'), foretoldRuns(view)),
    ].join(' '),
  summary: ({ results: { profile } }) =>
    `Scenes are made by number, so that the first thousand are among the first three million. At equal steps (${profile.recipe.steps} of ${profile.recipe.batchSize}) a training sees ${(profile.recipe.steps * profile.recipe.batchSize).toLocaleString('en')} scenes whatever the size: on 1,000 each several times, on 100,000 and more hardly one twice.`,
  claims,
  sections,
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
};

const job = comparison(datasetSize);

/** A profile with the trainings on so many scenes alone: its own, and both methods at equal steps. */
export function ofSize(profile: Profile, size: unknown): Profile {
  if (size === undefined) return profile;
  const equalSteps = METHODS.map(({ id }) => `${id}-${size}`);
  const chosen = arms.filter((arm) => sizeOf(arm) === Number(size) && (equalSteps.includes(arm.id) || profile.arms!.includes(arm.id)));
  return { ...profile, arms: idsOf(chosen) };
}

/** Whether it trains runs of the standard profile that are to be foretold first. */
const trainsForetold = ({ arms: trained = [], recipe: { steps } }: Profile): boolean =>
  steps === standard.recipe.steps && arms.some((arm) => trained.includes(arm.id) && sizeOf(arm) > FITTED_UP_TO);

export default {
  ...job,
  options: [new Option('--size <scenes>', 'train on this many scenes alone').choices(SIZES.map(String)), ...job.options!],
  chosen: (profile, flags) => job.chosen!(ofSize(profile, flags['size']), flags),
  plan: (profile, flags) => [...job.plan!(profile, flags), ...(trainsForetold(profile) ? sealFirst('dataset-size') : [])],
} satisfies Job<Profile, View>;
