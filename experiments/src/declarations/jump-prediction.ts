import type { Claim, Table } from '@controllab/report';
import { arms as followed, SAMPLES, standard, varied } from './convergence.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, perStep } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { recipeOf, type Arm, type Experiment } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import { readSealed, sealedNumber } from '../comparison/sealed.ts';
import { foresee, jumpOf, SEEN, type Foresight, type Run } from '../comparison/view/statistics/foresight.ts';
import type { Panel, Samples, View } from '../comparison/view/view.ts';

/** Recipes that no fit has seen. */
const FORETOLD: readonly Arm[] = [
  varied('rate-00005', 'rate 0.0005', { learningRate: 5e-4 }),
  varied('rate-0002', 'rate 0.002', { learningRate: 2e-3 }),
  varied('drop-80', '80% of prompts dropped', { promptDrop: 0.8 }),
  varied('no-warmup', 'no warm-up', { warmup: 0 }),
  varied('uniform-rate-0002', 'independent timesteps, rate 0.002', { timesteps: 'uniform', learningRate: 2e-3 }),
];

/** ControlNets with zero convolutions among the arms of `convergence`: their runs are the store's. */
const KNOWN: readonly Arm[] = followed
  .filter(({ id, method }) => id === 'proposed' || method.id === 'controlnet')
  .map((arm) => ({ ...arm, recipe: { ...arm.recipe, steps: recipeOf(standard, arm).steps } }));

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

const foreseen = (view: View, panel: Panel, share: number): Foresight =>
  foresee(
    runsOf(view, panel, (id) => !isForetold(id)),
    foretoldRuns(view, panel),
    share * SAMPLES,
  );

/** Whether the foretold runs were trained to their end. */
const ended = ({ results: { profile } }: View): boolean => profile.recipe.steps * profile.recipe.batchSize >= SAMPLES;

/** Absolute errors in binary logarithms of samples: a row a seed, in it a value an arm that is foretold. */
function errors(view: View, panel: Panel, of: (foresight: Foresight, run: number) => number): Samples {
  const foresight = foreseen(view, panel, EARLY);
  const off = foretoldRuns(view, panel).map((run, i) => Math.abs(of(foresight, i) - jumpOf(run)));
  const seeds = view.seeds.length;
  return view.seeds.map((_, seed) => off.filter((_, run) => run % seeds === seed));
}

/** Least effect of interest: three and a half per cent of the samples. */
const LEAST = 0.05;

function claims(view: View): Claim[] {
  if (!ended(view)) return [];
  const shownIn = view.panels[0]!.id('foretold');
  const better = (id: string, text: string, than: string, primary: boolean, of: (foresight: Foresight, run: number) => number): Claim =>
    view.claim(
      {
        id,
        claim: text,
        source: 'ours',
        test: `Absolute error of the foretold midpoint in binary logarithms of samples, from a sixth of the run, on ${FORETOLD.length} recipes that no fit has seen: ${than} minus signals. Less than ${LEAST} counts as nothing.`,
        quantity: `log2 error, ${than} − signals`,
        rule: { kind: 'above', bound: LEAST },
        primary,
        shownIn,
      },
      (panel) =>
        view.difference(
          errors(view, panel, of),
          errors(view, panel, ({ jumps }, run) => jumps.signals[run]!),
        ),
    );
  return [
    better(
      'signals-beat-loss',
      'What goes on inside foretells the jump better than the loss does.',
      'loss alone',
      true,
      ({ jumps }, run) => jumps.loss[run]!,
    ),
    better('foreseen', 'The jump can be foretold at all.', 'the mean of known runs', false, ({ nothing }) => nothing),
  ];
}

const samplesOf = (log2: number): number => Math.round(2 ** log2);

const EARLY_SIGNALS = 'signals, a sixth';

/** The shares of a run that the foretold ones have seen. */
const seenShares = ({ results: { profile } }: View): readonly number[] =>
  SHARES.filter((share) => share * SAMPLES <= profile.recipe.steps * profile.recipe.batchSize);

/** What is foretold run by run, what was sealed, and what came. */
function table(view: View, panel: Panel): Table {
  const found = readSealed('jump');
  const byShare = seenShares(view).map((share) => ({ share, foresight: foreseen(view, panel, share) }));
  const runs = foretoldRuns(view, panel);
  const done = ended(view);
  const leftOut = byShare.map(
    ({ share, foresight }) =>
      `${foresight.leftOut.loss.toFixed(2)} (loss) and ${foresight.leftOut.signals.toFixed(2)} (signals) from ${shareText(share)}`,
  );
  const beforehand =
    found === null
      ? 'Nothing was sealed beforehand.'
      : `Sealed on ${found.sealed.finishedAt.slice(0, 10)}, before these runs were trained to their end, by commit ${found.sealed.commit.slice(0, 7)}; SHA-256 of the sealed file: ${found.hash}.`;
  return {
    kind: 'table',
    id: panel.id('foretold'),
    caption: `Samples at which half of the rise in fidelity is foretold to be done. Known recipes that were left out: mean error in binary logarithms ${leftOut.join(', ')}. ${beforehand}`,
    rowHeader: 'Run',
    columns: [
      ...byShare.flatMap(({ share }) =>
        SEEN.map((seen) => ({ label: seen === 'loss' ? `loss alone, ${shareText(share)}` : `signals, ${shareText(share)}` })),
      ),
      ...(found === null || !done ? [] : [{ label: 'sealed' }]),
      ...(done ? [{ label: 'came at' }] : []),
    ],
    rows: runs.map((run, i) => {
      const arm = view.arms.find(({ id }) => id === run.group)!;
      const label = `${arm.label}, seed ${view.seeds[i % view.seeds.length]!}`;
      return {
        label,
        arm: arm.id,
        cells: [
          ...byShare.flatMap(({ foresight: { jumps } }) => SEEN.map((seen) => samplesOf(jumps[seen][i]!))),
          ...(found === null || !done ? [] : [sealedNumber(found.sealed, label, EARLY_SIGNALS)]),
          ...(done ? [samplesOf(jumpOf(run))] : []),
        ],
      };
    }),
  };
}

const experiment: Experiment = {
  id: 'jump-prediction',
  title: 'Can sudden convergence be foretold?',
  description: 'when control will come, foretold from the beginning of a training; take `sealed` first, `standard` when it is committed',
  profiles: {
    quick: { ...standard, arms: ['proposed', 'batch-16', 'rate-0003', 'rate-0002'], seeds: 1 },
    standard,
    sealed: { ...standard, recipe: { ...standard.recipe, steps: 70 } },
  },
  arms: [...KNOWN, ...FORETOLD],
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    if (!ended(view)) return 'Foretold, not yet trained.';
    const off = (of: (foresight: Foresight, run: number) => number) => view.measured(errors(view, panel, of)).value.toFixed(2);
    return `Off by ${off(({ jumps }, run) => jumps.signals[run]!)} binary logarithms of samples with signals, ${off(({ jumps }, run) => jumps.loss[run]!)} by the loss alone, ${off(({ nothing }) => nothing)} by the mean of known runs.`;
  },
  summary: () =>
    'A ridge regression on the runs of `convergence` says from the first evaluations of other runs when half of their rise in fidelity will be done: from the loss on held-out scenes alone, and with the size of the zero convolutions, of what they add to the prediction, and of gradients.',
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel, 12)] },
      { id: 'prediction', title: 'Foretold and came', blocks: [table(view, panel), curves(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(experiment);
