import type { Claim, Table } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import { arms as followed, quick, standard, varied } from './convergence.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, perStep } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { recipeOf, samplesOf, type Arm, type Experiment, type Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import { readSealed, sealedNumber, sealedText, sealFirst } from '../comparison/sealed.ts';
import { halfWayOf } from '../comparison/view/statistics/change-points.ts';
import { foresee, jumpOf, SEEN, type Foresight, type Run, type Seen } from '../comparison/view/statistics/foresight.ts';
import { NotComputed, type Panel, type Samples, type View } from '../comparison/view/view.ts';

/** Recipes that no fit has seen. */
const FORETOLD: readonly Arm[] = [
  varied('rate-00005', 'rate 0.0005', { learningRate: 5e-4 }),
  varied('rate-0002', 'rate 0.002', { learningRate: 2e-3 }),
  varied('drop-80', '80% of prompts dropped', { promptDrop: 0.8 }),
  varied('no-warmup', 'no warm-up', { warmup: 0 }),
  varied('uniform-rate-0002', 'independent timesteps, rate 0.002', { timesteps: 'uniform', learningRate: 2e-3 }),
];

/** Steps of foretold runs before they are sealed: a third of the whole, and the next evaluation. */
const CUT = 140;

/** The recipe of a whole run: a profile that cuts runs cuts the foretold ones alone. */
const whole = (recipe: Recipe): Recipe => (recipe.steps === CUT ? { ...recipe, steps: standard.recipe.steps } : recipe);

/** Samples of a whole run. */
const wholeSamples = ({ recipe }: Pick<Profile, 'recipe'>): number => samplesOf({ recipe: whole(recipe) }, {});

/**
 * ControlNets with zero convolutions and the paper's hint encoder among the arms of `convergence`: their runs are the store's. Batches of
 * 32 in four parts are those of 32 again, and would foretell these from their copies.
 */
const KNOWN: readonly Arm[] = followed
  .filter(({ id, method }) => id === 'proposed' || (method.id === 'controlnet' && id !== 'accumulated'))
  .map((arm) => ({ ...arm, recipe: (recipe) => recipeOf({ recipe: whole(recipe) }, arm) }));

/** Foretold from a sixth of the run, before control comes, and from a third. */
const SHARES = [1 / 6, 1 / 3] as const;
const [EARLY] = SHARES;

const shareText = (share: number): string => (share === EARLY ? 'a sixth' : 'a third');

const isForetold = (id: string): boolean => FORETOLD.some((arm) => arm.id === id);

const runsOf = (view: View, panel: Panel, of: (id: string) => boolean): Run[] =>
  view.arms
    .filter(({ id }) => of(id))
    .flatMap((arm) => panel.trainings(arm.id).map(({ curve }) => ({ group: arm.id, course: curve, samplesPerStep: perStep(view, arm) })));

const foretoldRuns = (view: View, panel: Panel): Run[] => runsOf(view, panel, isForetold);

/** @throws NotComputed where fewer than two recipes are known: the penalty is chosen by leaving one out */
function foreseen(view: View, panel: Panel, share: number): Foresight {
  const known = runsOf(view, panel, (id) => !isForetold(id));
  if (new Set(known.map(({ group }) => group)).size < 2) throw new NotComputed('this run has no two recipes to foretell from');
  return foresee(known, foretoldRuns(view, panel), share * wholeSamples(view.results.profile));
}

/** Every block of seeds has predictions of its own. */
const sealedName = (seed: unknown): string => (seed === undefined || seed === 1 ? 'jump' : `jump-seed-${String(seed)}`);
const sealedBefore = (view: View) => readSealed(sealedName(view.seeds[0]));

/** Whether runs are those that are registered, whose predictions have to be sealed. */
const isRegistered = (profile: Profile): boolean =>
  wholeSamples(profile) === wholeSamples(standard) && profile.recipe.examples === standard.recipe.examples;

/** Whether the foretold runs were trained to their end. */
const ended = ({ results: { profile } }: View): boolean => profile.recipe.steps !== CUT;

const columnOf = (seen: Seen, share: number): string => `${seen === 'loss' ? 'loss alone' : 'signals'}, ${shareText(share)}`;

/** Of which runs the predictions are. */
const runsText = ({ results: { profile } }: View): string =>
  `Run of ${wholeSamples(profile).toLocaleString('en')} samples on ${profile.recipe.examples.toLocaleString('en')} scenes, base ${profile.base}`;

const rowOf = (view: View, run: Run, i: number): string =>
  `${view.arms.find(({ id }) => id === run.group)!.label}, seed ${view.seeds[i % view.seeds.length]!}`;

/** Binary logarithms of samples that are foretold, run by run: as they were sealed where they were, as this run's fits say otherwise. */
function foretold(view: View, panel: Panel, seen: Seen, share: number): number[] {
  const sealed = ended(view) ? (sealedBefore(view)?.sealed ?? null) : null;
  const now = foreseen(view, panel, share).jumps[seen];
  return foretoldRuns(view, panel).map((run, i) => {
    const before = sealed === null ? null : sealedNumber(sealed, runsText(view), rowOf(view, run, i), columnOf(seen, share));
    return before === null ? now[i]! : Math.log2(before);
  });
}

/** Whether every number that is registered was sealed, and came: a mean without the recipe that failed is another quantity. */
function isSealed(view: View, panel: Panel, share: number): boolean {
  const sealed = sealedBefore(view)?.sealed;
  if (sealed === undefined || !FORETOLD.every(({ id }) => view.arms.some((arm) => arm.id === id))) return false;
  const isThere = (run: Run, i: number) => (seen: Seen) =>
    sealedNumber(sealed, runsText(view), rowOf(view, run, i), columnOf(seen, share)) !== null;
  return foretoldRuns(view, panel).every((run, i) => SEEN.every(isThere(run, i)));
}

/** Absolute errors of what is foretold, in binary logarithms of samples: a row a seed, in it a value an arm that is foretold. */
function errors(view: View, panel: Panel, jumps: readonly number[]): Samples {
  const end = Math.log2(wholeSamples(view.results.profile));
  // A run that does not rise came after all its samples, and what is foretold for later than that says the same.
  const off = foretoldRuns(view, panel).map((run, i) => Math.abs(Math.min(end, jumps[i]!) - jumpOf(run)));
  const seeds = view.seeds.length;
  return view.seeds.map((_, seed) => off.filter((_, run) => run % seeds === seed));
}

/** What one says of every run who looks at nothing: the mean of what is known. */
function unseen(view: View, panel: Panel): number[] {
  const { jumps, nothing } = foreseen(view, panel, EARLY);
  return jumps.loss.map(() => nothing);
}

/** Least effect of interest: three and a half per cent of the samples. */
const LEAST = 0.05;

function claims(view: View): Claim[] {
  if (!ended(view)) return [];
  const shownIn = view.panels[0]!.id('foretold');
  const better = (id: string, text: string, than: string, primary: boolean, others: (panel: Panel) => number[]): Claim =>
    view.claim(
      {
        id,
        claim: text,
        source: 'ours',
        test: `Absolute error of the foretold midpoint in binary logarithms of samples, from a sixth of the run, on ${FORETOLD.length} recipes that no fit has seen, mean over these recipes in each seed: ${than} minus signals. Less than ${LEAST} counts as nothing. A run that never rises came after all its samples, and so does what is foretold for later.`,
        quantity: `log2 error, ${than} − signals`,
        rule: { kind: 'above', bound: LEAST },
        primary,
        shownIn,
      },
      (panel) =>
        // Errors that are registered are those of sealed numbers, of all of them.
        isRegistered(view.results.profile) && !isSealed(view, panel, EARLY)
          ? null
          : view.difference(errors(view, panel, others(panel)), errors(view, panel, foretold(view, panel, 'signals', EARLY))),
    );
  return [
    better('signals-beat-loss', 'What goes on inside foretells the jump better than the loss does.', 'loss alone', true, (panel) =>
      foretold(view, panel, 'loss', EARLY),
    ),
    better('foreseen', 'The jump can be foretold at all.', 'the mean of known runs', false, (panel) => unseen(view, panel)),
  ];
}

const wholeNumber = (log2: number): number => Math.round(2 ** log2);

/** The shares of a run that the foretold ones have seen. */
const seenShares = ({ results: { profile } }: View): readonly number[] =>
  SHARES.filter((share) => share * wholeSamples(profile) <= profile.recipe.steps * profile.recipe.batchSize);

/** Of how many runs control had come already when they were looked at: nothing is foretold of these. */
function alreadyText(view: View, panel: Panel, share: number): string {
  const samples = Math.log2(share * wholeSamples(view.results.profile));
  const [known, unknown] = [false, true].map((foretold) => {
    const runs = runsOf(view, panel, (id) => isForetold(id) === foretold);
    return `${runs.filter((run) => halfWayOf(run.course) !== null && jumpOf(run) <= samples).length} of ${runs.length}`;
  });
  return `${known} known and ${unknown} foretold runs by ${shareText(share)}`;
}

/** When control came; a run that is not half way by its end says when it had not. */
function cameAt(run: Run): number | string {
  const half = halfWayOf(run.course);
  if (half === null) return 'did not come';
  return half.isLater ? `${wholeNumber(jumpOf(run)).toLocaleString('en')} or later` : wholeNumber(jumpOf(run));
}

/** How far what is foretold was off, by what was looked at and for how long; a claim's own are those from a sixth. */
function errorTable(view: View, panel: Panel): Table {
  const shares = seenShares(view);
  const cell = (jumps: readonly number[]) => view.measured(errors(view, panel, jumps));
  return {
    kind: 'table',
    id: panel.id('errors'),
    caption: `Absolute errors of what is foretold in binary logarithms of samples (1 is a factor of two), mean over ${FORETOLD.length} recipes in each seed. What is foretold from a third stands beside what the claims are about, and no claim is.`,
    rowHeader: 'Foretold by',
    columns: shares.map((share) => ({ label: `from ${shareText(share)}`, better: 'lower' as const })),
    rows: [
      ...SEEN.map((seen) => ({
        label: seen === 'loss' ? 'the loss alone' : 'signals',
        cells: shares.map((share) => cell(foretold(view, panel, seen, share))),
      })),
      { label: 'the mean of known runs', cells: shares.map(() => cell(unseen(view, panel))) },
    ],
  };
}

/** What is foretold run by run, what was sealed, and what came. */
function table(view: View, panel: Panel): Table {
  const shares = seenShares(view);
  const jumps = shares.flatMap((share) => SEEN.map((seen) => foretold(view, panel, seen, share)));
  const runs = foretoldRuns(view, panel);
  const done = ended(view);
  const leftOut = shares.map((share) => {
    const { loss, signals } = foreseen(view, panel, share).leftOut;
    return `${loss.toFixed(2)} (loss) and ${signals.toFixed(2)} (signals) from ${shareText(share)}`;
  });
  // A run that is cut does not show when control comes.
  const already = done
    ? `Half way already when they were looked at: ${shares.map((share) => alreadyText(view, panel, share)).join(', ')}. `
    : '';
  const beforehand = sealedText(
    sealedBefore(view),
    { header: runsText(view), rows: runs.map((run, i) => rowOf(view, run, i)) },
    view.arms
      .filter(({ id }) => isForetold(id))
      .flatMap(({ id }) => view.results.trainings[panel.condition]![id]!.map(({ record }) => record)),
  );
  return {
    kind: 'table',
    id: panel.id('foretold'),
    caption: `Samples at which half of the rise in fidelity is foretold to be done, as it was sealed where it was. Known recipes that were left out: mean error in binary logarithms ${leftOut.join(', ')}, each by the best of nine penalties for it, hence a little less than of recipes that come new. ${already}${beforehand}`,
    rowHeader: runsText(view),
    columns: [
      ...shares.flatMap((share) => SEEN.map((seen) => ({ label: columnOf(seen, share) }))),
      ...(done ? [{ label: 'came at' }] : []),
    ],
    rows: runs.map((run, i) => ({
      label: rowOf(view, run, i),
      arm: run.group,
      cells: [...jumps.map((each) => wholeNumber(each[i]!)), ...(done ? [cameAt(run)] : [])],
    })),
  };
}

const experiment: Experiment = {
  id: 'jump-prediction',
  title: 'Can sudden convergence be foretold?',
  description: 'when control will come, foretold from the beginning of a training; take `sealed` first, `standard` when it is committed',
  profiles: {
    quick: { ...quick, arms: ['proposed', 'rate-0003', 'rate-0002'] },
    standard,
    sealed: { ...standard, recipe: { ...standard.recipe, steps: CUT } },
  },
  arms: [...KNOWN, ...FORETOLD],
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    if (!ended(view)) return 'Foretold, not yet trained.';
    const off = (jumps: readonly number[]) => (2 ** view.measured(errors(view, panel, jumps)).value).toFixed(2);
    return `From a sixth of a training, the samples after which half of the rise is done are foretold off by a factor of ${off(foretold(view, panel, 'signals', EARLY))} on average with signals, ${off(foretold(view, panel, 'loss', EARLY))} by the loss alone, ${off(unseen(view, panel))} by the mean of known runs.`;
  },
  summary: () =>
    'A ridge regression on the runs of `convergence` says from the first evaluations of other runs when half of their rise in fidelity will be done: from the loss on held-out scenes alone, and with the size of the zero convolutions, of what they add to the prediction, and of gradients.',
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel, 12)] },
      {
        id: 'prediction',
        title: 'Foretold and came',
        blocks: [...(ended(view) ? [errorTable(view, panel)] : []), table(view, panel), curves(view, panel)],
      },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

const job = comparison(experiment);

export default {
  ...job,
  plan: (profile, flags) => [
    ...job.plan!(profile, flags),
    ...(isRegistered(profile) && profile.recipe.steps !== CUT ? sealFirst(sealedName(flags['seed'])) : []),
  ],
} satisfies typeof job;
