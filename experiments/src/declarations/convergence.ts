import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim, Measurement } from '@controllab/report';
import { examplesOfStep, type Recipe } from '@controllab/training';
import { arms as ablated, FIGURE_8, recipe, undrawn } from './arms.ts';
import { allHalfWays, changePointTable, courses, halfWays, movedTable } from '../comparison/view/blocks/courses.ts';
import { lossCurves } from '../comparison/view/blocks/losses.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, perStep } from '../comparison/view/blocks/trainings.ts';
import { LEAST_RISE, plateauEvidence } from '../comparison/view/statistics/change-points.ts';
import { suddenClaim } from '../comparison/view/claims.ts';
import { suddenness } from '../comparison/view/statistics/convergence.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { LOSS_PROMPTS } from '../comparison/compute/judging/held-out-loss.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import { mean, type Panel, type View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

/** Steps of so many samples for a run of as many samples as every other, and for a warm-up of as many. */
const inSteps = (whole: Recipe, samples: number): { steps: number; warmup: number } => ({
  steps: Math.round((examplesOfStep(whole) * whole.steps) / samples),
  warmup: Math.round((examplesOfStep(whole) * whole.warmup) / samples),
});

export const varied = (id: string, label: string, change: NonNullable<Arm['recipe']>): Arm => ({
  id,
  label,
  description: `ControlNet with ${label}`,
  method: controlNet(),
  recipe: change,
});

const BATCHES = [4, 16, 32] as const;

export const arms: readonly Arm[] = [
  ...ablated.filter(({ id }) => FIGURE_8.includes(id)),
  ...[controlNeXt(), controlNeXt({ normalization: 'zero-convolution' }), controlNet({ conditionEncoder: 'autoencoder' })].map((method) => ({
    id: method.id,
    label: method.label,
    description: method.description,
    method,
  })),
  ...BATCHES.map((batchSize) =>
    varied(`batch-${batchSize}`, `batches of ${batchSize}`, (whole) => ({ batchSize, ...inSteps(whole, batchSize) })),
  ),
  ...[3e-4, 3e-3].map((learningRate) => varied(`rate-${learningRate}`.replace('.', ''), `rate ${learningRate}`, { learningRate })),
  ...[0, 0.2].map((promptDrop) => varied(`drop-${100 * promptDrop}`, `${100 * promptDrop}% of prompts dropped`, { promptDrop })),
  varied('uniform', 'timesteps drawn independently', { timesteps: 'uniform' }),
  // The rate in proportion to the batch, and a batch of 32 in four parts.
  varied('batch-4-rate-00005', 'batches of 4, rate 0.0005', (whole) => ({ batchSize: 4, ...inSteps(whole, 4), learningRate: 5e-4 })),
  varied('batch-32-rate-0004', 'batches of 32, rate 0.004', (whole) => ({ batchSize: 32, ...inSteps(whole, 32), learningRate: 4e-3 })),
  varied('accumulated', 'batches of 8, 4 accumulated', (whole) => ({ accumulation: 4, ...inSteps(whole, 32) })),
];

export const standard: Profile = undrawn.byCourse;

/** One training an arm in minutes: on fewer scenes, looked at less often and at fewer of them. */
export const quick: Profile = {
  ...standard,
  seeds: 1,
  recipe: { ...standard.recipe, examples: 2048, steps: 280 },
  follow: { ...standard.follow, images: 8, every: 20, loss: { ...standard.follow.loss!, scenes: 8 } },
};

export const tiny: Profile = {
  ...standard,
  arms: ['proposed', 'gaussian'],
  seeds: 1,
  recipe: { ...recipe, examples: 64, batchSize: 4, steps: 60, warmup: 2 },
  follow: { images: 2, steps: 2, every: 10, loss: { scenes: 2, timesteps: [500], signals: true } },
};

/** Samples at which half of the rise is done, a row a training; null where one did not rise. */
function inSamples(view: View, panel: Panel, arm: string): number[][] | null {
  const each = perStep(view, view.arm(arm));
  return allHalfWays(panel, arm)?.map(([steps]) => [each * steps!]) ?? null;
}

/** Binary logarithm of a ratio of samples: a quarter more. Less counts as the same. */
const QUARTER = 0.32;

/** Of binary logarithms of samples: half of what a batch of half or twice the size would move it by if steps alone counted. */
const HALF_OF_TWICE = 0.5;

/** Of a share of the whole rise. */
const LEAST_SHARE = 0.1;

/** What batches of another size would do if steps counted in place of samples: larger ones have too few steps in this many samples. */
const ifStepsCounted = (batch: number): string =>
  batch < recipe.batchSize
    ? `; if steps counted in place of samples it would be ${Math.log2(batch / recipe.batchSize)}`
    : `; if steps counted in place of samples control would come after ${batch / recipe.batchSize} times the samples, which may lie behind the run’s end: then the run’s end counts, which leans to “the same”, or nothing is judged`;

const HALF_WAY = `half of the rise in fidelity is done, by a plateau with an exponential or a logistic, whichever explains the course better; not judged where fidelity does not rise by ${LEAST_RISE} in one of the trainings`;

/** What is compared with what, one line each. Everything here is exploratory. */
function comparisons(view: View): Claim[] {
  const shownIn = view.panels[0]!.id('change-points');
  const labelOf = (arm: string): string => view.experiment.arms.find(({ id }) => id === arm)!.label;
  const trained = (...ids: string[]): boolean => ids.every((id) => view.meant.includes(id));
  const claim = (id: string, text: Pick<Claim, 'claim' | 'source' | 'test' | 'quantity' | 'rule'>, of: Parameters<View['claim']>[1]) =>
    view.claim({ ...text, id, primary: false, shownIn }, of);
  /** What a claim compares: binary logarithms of samples to half of the rise. */
  const compared =
    (a: string, b: string) =>
    (panel: Panel): Measurement | null => {
      const [first, second] = [inSamples(view, panel, a), inSamples(view, panel, b)].map((found) =>
        found?.map((row) => row.map(Math.log2)),
      );
      return first === undefined || second === undefined ? null : view.difference(first, second);
    };
  /** `arm` is half way earlier than `other`. */
  const earlier = (arm: string, other: string, text: { claim: string; source: string }): Claim[] =>
    trained(arm, other)
      ? [
          claim(
            `earlier-${arm}`,
            {
              ...text,
              test: `Binary logarithm of the ratio of samples at which ${HALF_WAY}: ${labelOf(other)} over ${labelOf(arm)}. Less than ${QUARTER}, a quarter more, counts as none.`,
              quantity: `log2 of samples to half of the rise, ${labelOf(other)} / ${labelOf(arm)}`,
              rule: { kind: 'above', bound: QUARTER },
            },
            compared(other, arm),
          ),
        ]
      : [];
  /** `arm` is half way after as many samples as `other`. */
  const alike = (arm: string, other: string, expected: string, text: { claim: string; source: string }): Claim[] =>
    trained(arm, other)
      ? [
          claim(
            `alike-${arm}`,
            {
              ...text,
              test: `Binary logarithm of the samples at which ${HALF_WAY}: ${labelOf(arm)} minus ${labelOf(other)}. Within ±${HALF_OF_TWICE} counts as the same${expected}.`,
              quantity: `log2 of samples to half of the rise, ${labelOf(arm)} − ${labelOf(other)}`,
              rule: { kind: 'within', lo: -HALF_OF_TWICE, hi: HALF_OF_TWICE },
            },
            compared(arm, other),
          ),
        ]
      : [];
  return [
    // As many samples in larger batches are fewer steps: whether control comes after as many samples is what such runs can tell.
    ...BATCHES.flatMap((batch) =>
      alike(`batch-${batch}`, 'proposed', ifStepsCounted(batch), {
        claim: 'What counts for when control comes is the number of samples, whatever their batches.',
        source: `ours, against ${PAPER.batchSize.source}`,
      }),
    ),
    ...alike('accumulated', 'batch-32', '. Both train on the same examples in the same order, so that only rounding can tell them apart', {
      claim: 'Gradients accumulated over four batches act as one batch of four times the size.',
      source: 'ours',
    }),
    ...earlier('gaussian', 'proposed', { claim: 'What delays control are the zero convolutions.', source: 'ours' }),
    ...earlier('controlnext', 'controlnext-zero', PAPER.crossNormalization),
    ...earlier('controlnet-latents', 'proposed', PAPER.frozenAutoencoder),
    ...(trained('controlnet-latents', 'proposed')
      ? [
          claim(
            'softened-controlnet-latents',
            {
              ...PAPER.frozenAutoencoder,
              claim: 'A frozen autoencoder in place of the hint encoder softens sudden convergence.',
              test: `Share of a run’s whole rise in fidelity that falls into its steepest eighth of the steps, the hint encoder’s trainings minus the autoencoder’s; less than ${LEAST_SHARE} counts as none; not judged where fidelity does not rise by ${LEAST_RISE} in one of the trainings.`,
              quantity: 'share of the rise in the steepest eighth of training, hint encoder − autoencoder',
              rule: { kind: 'above', bound: LEAST_SHARE },
            },
            (panel) => {
              const [encoder, autoencoder] = ['proposed', 'controlnet-latents'].map((arm) =>
                allHalfWays(panel, arm) === null ? undefined : suddenness(view, panel, arm)?.perTraining,
              );
              if (encoder === undefined || autoencoder === undefined) return null;
              const rows = (shares: readonly number[]): number[][] => shares.map((one) => [one]);
              return view.difference(rows(encoder), rows(autoencoder), [0, 1]);
            },
          ),
        ]
      : []),
  ];
}

/** What is drawn in one figure: seventeen courses would cover each other. ControlNet stands in each. */
const FIGURES: readonly { id: string; curve: string; title: string; arms: readonly string[]; overSteps?: boolean }[] = [
  // The claim on suddenness names its curve.
  {
    id: 'networks',
    curve: 'curve',
    title: 'Networks',
    arms: ['gaussian', 'lite', 'controlnext', 'controlnext-zero', 'controlnet-latents'],
  },
  {
    id: 'batches',
    curve: 'curve-batches',
    title: 'Batches',
    arms: [...BATCHES.map((batch) => `batch-${batch}`), 'batch-4-rate-00005', 'batch-32-rate-0004', 'accumulated'],
    overSteps: true,
  },
  {
    id: 'recipe',
    curve: 'curve-recipe',
    title: 'Rates, prompts and timesteps',
    arms: ['rate-00003', 'rate-0003', 'drop-0', 'drop-20', 'uniform'],
  },
];

const claims = (view: View): Claim[] => [
  suddenClaim(view, 'proposed'),
  view.claim(
    {
      id: 'plateau',
      claim: 'At first nothing follows the condition: control comes behind a plateau.',
      source: PAPER.suddenConvergence.source,
      test: 'BIC of gradual change minus BIC of the same change behind a plateau, fidelity over steps: above 10 is decisive for a plateau. It tells a delay, which a warm-up alone can make, and not a sudden rise from a slow one: that is the share of the rise in the steepest eighth.',
      quantity: 'BIC in favour of a plateau',
      rule: { kind: 'above', bound: 10 },
      primary: true,
      shownIn: view.panels[0]!.id('change-points'),
    },
    (panel) => view.measured(courses(panel, 'proposed').map((found) => [plateauEvidence(found)])),
  ),
  ...comparisons(view),
];

const convergence: Experiment = {
  id: 'convergence',
  title: 'Sudden convergence: when does control come, and what moves it?',
  description:
    'fidelity and held-out loss over training of ControlNet, its variants and ControlNeXt, by batch, rate, prompt dropping and timesteps',
  profiles: {
    quick: { ...quick, arms: ['proposed', 'gaussian', 'controlnext'] },
    standard,
    tiny,
  },
  arms,
  conditions: 'one',
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const at = (arm: Arm): string => {
      const found = halfWays(panel, arm.id);
      const rose = found.filter((half) => half !== null);
      const samples = Math.round(perStep(view, arm) * mean(rose.map(({ step }) => step))).toLocaleString('en');
      const later = rose.filter(({ isLater }) => isLater).length;
      const where = [
        ...(rose.length === found.length ? [] : [`, where it rose at all: in ${rose.length} of ${found.length} trainings`]),
        ...(later === 0 ? [] : [`, the run’s end for ${later} that ${later === 1 ? 'was' : 'were'} not half way by then`]),
      ].join('');
      return rose.length === 0 ? 'not within the run' : `after ${samples} samples${where}`;
    };
    return `Half of the rise in fidelity is done ${view.arms
      .filter(({ id }) => ['proposed', 'gaussian', 'controlnet-latents', 'controlnext'].includes(id))
      .map((arm) => `${at(arm)} (${arm.label})`)
      .join(', ')}.`;
  },
  summary: ({ seeds }) =>
    `One recipe and what arms change of it (two change batch and rate together), ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each. Three curves are fitted to the course of every training: gradual change, the same behind a plateau, and a logistic; the Bayesian information criterion says which one explains it.`,
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel, 12)] },
      ...FIGURES.flatMap(({ id, curve, title, arms: ids, overSteps = false }) => {
        const shown = view.arms.filter((arm) => arm.id === 'proposed' || ids.includes(arm.id));
        if (!shown.some((arm) => ids.includes(arm.id))) return [];
        const drawn = (over: 'samples' | 'steps') =>
          curves(view, panel, { arms: shown, over, id: over === 'samples' ? curve : `${curve}-steps` });
        return [
          {
            id: `courses-${id}`,
            title,
            blocks: [
              drawn('samples'),
              ...(overSteps ? [drawn('steps')] : []),
              ...LOSS_PROMPTS.map((prompt) => lossCurves(view, panel, prompt, { arms: shown, id: `held-out-${prompt}-${id}` })),
            ],
          },
        ];
      }),
      { id: 'changes', title: 'When and how fast', blocks: [changePointTable(view, panel), movedTable(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(convergence);
