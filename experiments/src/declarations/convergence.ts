import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim } from '@controllab/report';
import { examplesOfStep } from '@controllab/training';
import { arms as ablated, FIGURE_8, recipe, undrawn } from './arms.ts';
import { changePointTable, courses } from '../comparison/view/blocks/courses.ts';
import { lossCurves } from '../comparison/view/blocks/losses.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, perStep } from '../comparison/view/blocks/trainings.ts';
import { midpointOf, plateauEvidence } from '../comparison/view/statistics/change-points.ts';
import { suddenClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from './paper-values.ts';

/** Samples that every arm sees, whatever its batch. */
export const SAMPLES = examplesOfStep(undrawn.byCourse.recipe) * undrawn.byCourse.recipe.steps;

/** Steps of so many samples for a run of as many samples as every other, and for a warm-up of as many. */
const inSteps = (samples: number): { steps: number; warmup: number } => ({
  steps: SAMPLES / samples,
  warmup: (examplesOfStep(recipe) * recipe.warmup) / samples,
});

export const varied = (id: string, label: string, change: NonNullable<Arm['recipe']>): Arm => ({
  id,
  label,
  description: `ControlNet with ${label}`,
  method: controlNet(),
  recipe: change,
});

export const arms: readonly Arm[] = [
  ...ablated.filter(({ id }) => FIGURE_8.includes(id)),
  ...[controlNeXt(), controlNeXt({ normalization: 'zero-convolution' }), controlNet({ conditionEncoder: 'autoencoder' })].map((method) => ({
    id: method.id,
    label: method.label,
    description: method.description,
    method,
  })),
  ...[4, 16, 32].map((batchSize) => varied(`batch-${batchSize}`, `batches of ${batchSize}`, { batchSize, ...inSteps(batchSize) })),
  ...[3e-4, 3e-3].map((learningRate) => varied(`rate-${learningRate}`.replace('.', ''), `rate ${learningRate}`, { learningRate })),
  ...[0, 0.2].map((promptDrop) => varied(`drop-${100 * promptDrop}`, `${100 * promptDrop}% of prompts dropped`, { promptDrop })),
  varied('uniform', 'timesteps drawn independently', { timesteps: 'uniform' }),
  // The rate in proportion to the batch, and a batch of 32 in four parts.
  varied('batch-4-rate-00005', 'batches of 4, rate 0.0005', { batchSize: 4, ...inSteps(4), learningRate: 5e-4 }),
  varied('batch-32-rate-0004', 'batches of 32, rate 0.004', { batchSize: 32, ...inSteps(32), learningRate: 4e-3 }),
  varied('accumulated', 'batches of 8, 4 accumulated', { accumulation: 4, ...inSteps(32) }),
];

export const standard: Profile = undrawn.byCourse;

export const tiny: Profile = {
  ...standard,
  arms: ['proposed', 'gaussian'],
  seeds: 1,
  recipe: { ...recipe, examples: 64, batchSize: 4, steps: 60, warmup: 2 },
  follow: { images: 2, steps: 2, every: 10, loss: { scenes: 2, timesteps: [500], signals: true } },
};

/** Steps at which half of the rise is done, training by training. */
const midpoints = (panel: Panel, arm: string): number[][] => courses(panel, arm).map((found) => [midpointOf(found)]);

/** The same in samples. */
const inSamples = (view: View, panel: Panel, arm: string): number[][] => {
  const each = perStep(
    view,
    view.arms.find(({ id }) => id === arm)!,
  );
  return midpoints(panel, arm).map(([steps]) => [each * steps!]);
};

/** A quarter of ControlNet's 1,600 samples in an earlier run counts as the same; of batches of 8 it is 50 steps. */
const QUARTER = { samples: 400, steps: 50 };

const HALF_WAY =
  'half of the rise in fidelity is done, by a plateau with an exponential or a logistic, whichever explains the course better';

/** What is compared with what, one line each. Everything here is exploratory. */
function comparisons(view: View): Claim[] {
  const shownIn = view.panels[0]!.id('change-points');
  const labelOf = (arm: string): string => view.arms.find(({ id }) => id === arm)!.label;
  const trained = (...ids: string[]): boolean => ids.every((id) => view.arms.some((arm) => arm.id === id));
  const claim = (id: string, text: Pick<Claim, 'claim' | 'source' | 'test' | 'quantity' | 'rule'>, of: Parameters<View['claim']>[1]) =>
    view.claim({ ...text, id, primary: false, shownIn }, of);
  /** `arm` is half way earlier than `other`. */
  const earlier = (arm: string, other: string, text: { claim: string; source: string }): Claim[] =>
    trained(arm, other)
      ? [
          claim(
            `earlier-${arm}`,
            {
              ...text,
              test: `Samples at which ${HALF_WAY}: ${labelOf(other)} minus ${labelOf(arm)}. Less than ${QUARTER.samples} counts as none.`,
              quantity: `samples to half of the rise, ${labelOf(other)} − ${labelOf(arm)}`,
              rule: { kind: 'above', bound: QUARTER.samples },
            },
            (panel) => view.difference(inSamples(view, panel, other), inSamples(view, panel, arm)),
          ),
        ]
      : [];
  /** `arm` is half way as late as `other`, counted in steps or in samples. */
  const alike = (arm: string, other: string, unit: keyof typeof QUARTER, text: { claim: string; source: string }): Claim[] => {
    const found = (panel: Panel, of: string): number[][] => (unit === 'steps' ? midpoints(panel, of) : inSamples(view, panel, of));
    return trained(arm, other)
      ? [
          claim(
            `alike-${arm}`,
            {
              ...text,
              test: `${unit === 'steps' ? 'Steps' : 'Samples'} at which ${HALF_WAY}: ${labelOf(arm)} minus ${labelOf(other)}. Within ±${QUARTER[unit]} counts as the same.`,
              quantity: `${unit} to half of the rise, ${labelOf(arm)} − ${labelOf(other)}`,
              rule: { kind: 'within', lo: -QUARTER[unit], hi: QUARTER[unit] },
            },
            (panel) => view.difference(found(panel, arm), found(panel, other)),
          ),
        ]
      : [];
  };
  const evidence = (panel: Panel, arm: string): number[][] => courses(panel, arm).map((found) => [plateauEvidence(found)]);
  return [
    ...[4, 16, 32].flatMap((batch) => alike(`batch-${batch}`, 'proposed', 'steps', PAPER.batchSize)),
    ...alike('accumulated', 'batch-32', 'samples', {
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
              test: 'BIC in favour of a plateau, the hint encoder’s trainings minus the autoencoder’s; 10 is a decisive difference.',
              quantity: 'BIC in favour of a plateau, hint encoder − autoencoder',
              rule: { kind: 'above', bound: 10 },
            },
            (panel) => view.difference(evidence(panel, 'proposed'), evidence(panel, 'controlnet-latents')),
          ),
        ]
      : []),
  ];
}

const claims = (view: View): Claim[] => [
  suddenClaim(view, 'proposed'),
  view.claim(
    {
      id: 'plateau',
      ...PAPER.suddenConvergence,
      test: 'BIC of gradual change minus BIC of the same change behind a plateau, fidelity over steps: above 10 is decisive for a plateau.',
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
    quick: { ...standard, arms: ['proposed', 'gaussian', 'controlnext'], seeds: 1 },
    standard,
    tiny,
  },
  arms,
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const at = (arm: string): string => Math.round(view.measured(inSamples(view, panel, arm)).value).toLocaleString('en');
    return `Half of the rise in fidelity is done after ${['proposed', 'gaussian', 'controlnext']
      .filter((id) => view.arms.some((arm) => arm.id === id))
      .map((id) => `${at(id)} samples (${view.arms.find((arm) => arm.id === id)!.label})`)
      .join(', ')}.`;
  },
  summary: ({ seeds }) =>
    `One recipe, one change at a time, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each. Three curves are fitted to the course of every training: gradual change, the same behind a plateau, and a logistic; the Bayesian information criterion says which one explains it.`,
  claims,
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel, 12)] },
      {
        id: 'courses',
        title: 'Courses',
        blocks: [curves(view, panel), lossCurves(view, panel, 'none'), lossCurves(view, panel, 'perfect')],
      },
      { id: 'changes', title: 'When and how fast', blocks: [changePointTable(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(convergence);
