import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Claim, Measurement } from '@controllab/report';
import { examplesOfStep } from '@controllab/training';
import { arms as ablated, FIGURE_8, recipe, undrawn } from './arms.ts';
import { changePointTable, courses, curves, filmStrip, lossCurves } from '../comparison/view/blocks.ts';
import { plateauEvidence, type ChangePoints } from '../comparison/view/change-points.ts';
import { suddenClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/measures.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from './paper-values.ts';

/** Samples that every arm sees, whatever its batch. */
const SAMPLES = examplesOfStep(undrawn.byCourse.recipe) * undrawn.byCourse.recipe.steps;

const varied = (id: string, label: string, change: NonNullable<Arm['recipe']>): Arm => ({
  id,
  label,
  description: `ControlNet with ${label}`,
  method: controlNet(),
  recipe: change,
});

const arms: readonly Arm[] = [
  ...ablated.filter(({ id }) => FIGURE_8.includes(id)),
  ...[controlNeXt(), controlNeXt({ normalization: 'zero-convolution' })].map((method) => ({
    id: method.id,
    label: method.label,
    description: method.description,
    method,
  })),
  ...[4, 16, 32].map((batchSize) => varied(`batch-${batchSize}`, `batches of ${batchSize}`, { batchSize, steps: SAMPLES / batchSize })),
  ...[3e-4, 3e-3].map((learningRate) => varied(`rate-${learningRate}`.replace('.', ''), `rate ${learningRate}`, { learningRate })),
  ...[0, 0.2].map((promptDrop) => varied(`drop-${100 * promptDrop}`, `${100 * promptDrop}% of prompts dropped`, { promptDrop })),
  varied('uniform', 'timesteps drawn independently', { timesteps: 'uniform' }),
];

const standard: Profile = undrawn.byCourse;

/** A quantity of the changes that an arm's trainings went through. */
const ofCourses = (view: View, panel: Panel, arm: string, of: (found: ChangePoints) => number): Measurement =>
  view.measured(courses(panel, arm).map((found) => [of(found)]));

/** Where half of the change is done, in samples; by the better of the two models that have an onset. */
const midpoint =
  (batchSize: number) =>
  ({ plateau, logistic }: ChangePoints): number =>
    batchSize * (plateau.bic < logistic.bic ? plateau : logistic).midpoint;

function claims(view: View): Claim[] {
  const trained = view.arms.map(({ id }) => id);
  const shownIn = view.panels[0]!.id('change-points');
  const later = (arm: string, text: { claim: string; source: string }, batch = recipe.batchSize): Claim[] =>
    trained.includes(arm)
      ? [
          view.claim(
            {
              ...text,
              id: `midpoint-${arm}`,
              test: 'Samples at which half of the rise in fidelity is done, by a plateau with an exponential or a logistic, whichever explains the course better: this arm minus ControlNet. Within a quarter of 1,600 samples counts as the same.',
              quantity: `samples to half of the rise, ${view.arms.find(({ id }) => id === arm)!.label} − ControlNet`,
              rule: { kind: 'within', lo: -400, hi: 400 },
              primary: false,
              shownIn,
            },
            (panel) =>
              view.difference(
                courses(panel, arm).map((found) => [midpoint(batch)(found)]),
                courses(panel, 'proposed').map((found) => [midpoint(recipe.batchSize)(found)]),
              ),
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
      (panel) => ofCourses(view, panel, 'proposed', plateauEvidence),
    ),
    ...[4, 16, 32].flatMap((batch) => later(`batch-${batch}`, PAPER.batchSize, batch)),
    ...later('gaussian', { claim: 'What delays control are the zero convolutions.', source: 'ours' }),
    ...later('controlnext', PAPER.crossNormalization),
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
    tiny: {
      ...standard,
      arms: ['proposed', 'gaussian'],
      seeds: 1,
      recipe: { ...recipe, examples: 64, batchSize: 4, steps: 60, warmup: 2 },
      follow: { images: 2, steps: 2, every: 10, loss: { scenes: 2, timesteps: [500], signals: true } },
    },
  },
  arms,
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const at = (arm: string): string => Math.round(ofCourses(view, panel, arm, midpoint(recipe.batchSize)).value).toLocaleString('en');
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
