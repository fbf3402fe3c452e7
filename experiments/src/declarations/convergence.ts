import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim } from '@controllab/report';
import { examplesOfStep } from '@controllab/training';
import { arms as ablated, FIGURE_8, recipe, undrawn } from './arms.ts';
import { changePointTable, courses, curves, filmStrip, lossCurves, perStep } from '../comparison/view/blocks.ts';
import { midpointOf, plateauEvidence } from '../comparison/view/change-points.ts';
import { suddenClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/measures.ts';
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
  ...[controlNeXt(), controlNeXt({ normalization: 'zero-convolution' })].map((method) => ({
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

/** Samples at which half of the change is done, training by training. */
const midpoints = (view: View, panel: Panel, arm: string): number[][] =>
  courses(panel, arm).map((found) => [
    perStep(
      view,
      view.arms.find(({ id }) => id === arm)!,
    ) * midpointOf(found),
  ]);

function claims(view: View): Claim[] {
  const trained = view.arms.map(({ id }) => id);
  const labelOf = (arm: string): string => view.arms.find(({ id }) => id === arm)!.label;
  const shownIn = view.panels[0]!.id('change-points');
  const like = (arm: string, text: { claim: string; source: string }, other = 'proposed'): Claim[] =>
    trained.includes(arm) && trained.includes(other)
      ? [
          view.claim(
            {
              ...text,
              id: `midpoint-${arm}`,
              test: `Samples at which half of the rise in fidelity is done, by a plateau with an exponential or a logistic, whichever explains the course better: this arm minus ${labelOf(other)}. Within a quarter of 1,600 samples counts as the same.`,
              quantity: `samples to half of the rise, ${labelOf(arm)} − ${labelOf(other)}`,
              rule: { kind: 'within', lo: -400, hi: 400 },
              primary: false,
              shownIn,
            },
            (panel) => view.difference(midpoints(view, panel, arm), midpoints(view, panel, other)),
          ),
        ]
      : [];
  return [
    suddenClaim(view, 'proposed'),
    view.claim(
      {
        id: 'plateau',
        ...PAPER.suddenConvergence,
        test: 'BIC of gradual change minus BIC of the same change behind a plateau, fidelity over steps: above 10 is decisive for a plateau.',
        quantity: 'BIC in favour of a plateau',
        rule: { kind: 'above', bound: 10 },
        primary: true,
        shownIn,
      },
      (panel) => view.measured(courses(panel, 'proposed').map((found) => [plateauEvidence(found)])),
    ),
    ...[4, 16, 32].flatMap((batch) => like(`batch-${batch}`, PAPER.batchSize)),
    ...like(
      'accumulated',
      { claim: 'Gradients accumulated over four batches act as one batch of four times the size.', source: 'ours' },
      'batch-32',
    ),
    ...like('gaussian', { claim: 'What delays control are the zero convolutions.', source: 'ours' }),
    ...like('controlnext', PAPER.crossNormalization),
  ];
}

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
    const at = (arm: string): string => Math.round(view.measured(midpoints(view, panel, arm)).value).toLocaleString('en');
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
