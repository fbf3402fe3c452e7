import { controlNet, controlNetLite } from '@controllab/controlnet';
import type { Claim, Section } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import { armsByPrompts, curves, filmStrip, losses, measureTable, promptBars, promptTable, trainingTable } from './comparison/blocks.ts';
import { comparison } from './comparison/comparison.ts';
import { JUMP_WINDOW, suddenness } from './comparison/convergence.ts';
import { BASE, type Arm, type Experiment, type Profile } from './comparison/experiment.ts';
import {
  aestheticScore,
  backgroundColour,
  clipScore,
  conditionFidelity,
  exactEdges,
  frechet,
  objectRecognised,
} from './comparison/measures.ts';
import { capitalised, combine, mean, type Panel, type View } from './comparison/view.ts';
import { PAPER } from './paper-values.ts';

/** The paper's figure 8: (a) proposed, (b) without zero convolutions, (c) lite. */
const arms: readonly Arm[] = [
  { id: 'proposed', label: 'ControlNet', description: 'trainable copy of the encoder, tied in by zero convolutions', method: controlNet() },
  {
    id: 'gaussian',
    label: 'Gaussian convolutions',
    description: 'the same copy, its zero convolutions replaced by standard convolutions with Gaussian weights of variance 1/fan-in',
    method: controlNet({ connection: 'gaussian' }),
  },
  {
    id: 'lite',
    label: 'ControlNet-lite',
    description: 'one convolution in place of each copied block (our reading of one sentence of the paper), tied in by zero convolutions',
    method: controlNetLite(),
  },
];

/**
 * The rate is that of the base model's own training. It decides how long control takes to appear: at half of it ControlNet still draws what
 * the base model draws after 320 steps of 8 (edge F1 0.65), at this rate it follows its condition after 200 (0.92). It was chosen on
 * ControlNet and Canny alone.
 */
const recipe: Recipe = {
  examples: 4096,
  batchSize: 8,
  steps: 320,
  learningRate: 1e-3,
  warmup: 40,
  schedule: 'constant',
  promptDrop: 0.5,
  timesteps: 'stratified',
  weightDecay: 0.01,
  ema: null,
};

const quick: Profile = {
  base: 'mini',
  conditions: ['canny'],
  seeds: 1,
  recipe,
  follow: { images: 16, steps: 10, every: 20 },
  drawn: { singles: 16, pairs: 8, steps: 20, guidance: 3 },
  shown: { singles: 6, pairs: 2 },
};

const profiles = {
  quick,
  standard: {
    ...quick,
    conditions: ['canny', 'segmentation', 'mask'],
    seeds: 5,
    // Twice as far as Canny edges take to settle: their curve is flat from step 200 to 600 within its own scatter. Segmentation still
    // rises.
    recipe: { ...recipe, examples: 16384, batchSize: 16, steps: 400 },
    drawn: { singles: 40, pairs: 24, steps: 20, guidance: 3 },
  },
  /** Every part in seconds: for tests, and to see whether a machine can do it. Its numbers say nothing. */
  tiny: {
    ...quick,
    recipe: { ...recipe, examples: 64, batchSize: 4, steps: 20, warmup: 2 },
    follow: { images: 2, steps: 2, every: 10 },
    drawn: { singles: 2, pairs: 1, steps: 2, guidance: 3 },
    shown: { singles: 2, pairs: 1 },
  },
} satisfies Record<string, Profile>;

/** Least effect of interest in fidelity: a smaller advantage would change nobody's choice. Fixed before the standard run. */
const LEAST = 0.02;
/** Within this two arms count as alike. */
const ALIKE = 0.05;

const none = (panel: Panel, arm: string) => panel.samples(arm, 'none', 'fidelity');
const unit = [0, 1] as const;

function claims(view: View): Claim[] {
  const { start } = view.results;
  const values = start['proposed']!.values;
  const shown = (block: string) => ({ primary: true, shownIn: view.panels[0]!.id(block) });
  return [
    view.fact(
      {
        id: 'zero-convolutions',
        ...PAPER.zeroConvolutions,
        test: 'Largest absolute difference between the base model’s prediction with and without the untrained ControlNet, over every output value. The claim asks for exactly 0.',
        quantity: 'largest difference before training, zero convolutions',
        rule: { kind: 'within', lo: 0, hi: 0 },
      },
      start['proposed']!.difference,
      values,
      { text: '0', value: 0, source: PAPER.zeroConvolutions.source },
    ),
    view.fact(
      {
        id: 'gaussian-disturbs',
        claim: 'Gaussian-initialised convolutions disturb the locked model from the first step.',
        source: PAPER.gaussian.source,
        test: 'The same difference for the Gaussian variant; above 0 means that the prediction changed.',
        quantity: 'largest difference before training, Gaussian convolutions',
        rule: { kind: 'above', bound: 0 },
      },
      start['gaussian']!.difference,
      values,
    ),
    view.claim(
      {
        id: 'sudden-convergence',
        ...PAPER.suddenConvergence,
        test: `Share of a run’s whole rise in fidelity that falls into its steepest eighth of the steps; a steady rise gives 1/8. More than half counts as sudden.`,
        quantity: 'share of the rise in the steepest eighth of training',
        rule: { kind: 'above', bound: 0.5 },
        ...shown('curve'),
      },
      (panel) => suddenness(view, panel, 'proposed'),
    ),
    view.claim(
      {
        id: 'works-without-prompt',
        ...PAPER.allPrompts,
        test: 'Fidelity with no prompt, minus nine tenths of that with a perfect prompt: above 0 means that at least 90% of it needs no prompt.',
        quantity: 'fidelity without a prompt − 0.9 × with a perfect prompt',
        rule: { kind: 'above', bound: 0 },
        ...shown('fidelity'),
      },
      (panel) =>
        view.measured(
          combine(none(panel, 'proposed'), panel.samples('proposed', 'perfect', 'fidelity'), (a, b) => a - 0.9 * b),
          [-0.9, 1],
        ),
    ),
    view.claim(
      {
        id: 'zero-beats-gaussian',
        ...PAPER.gaussian,
        test: `Fidelity with no prompt, ControlNet minus the Gaussian variant, same noise and training data; an advantage below ${LEAST} counts as none.`,
        quantity: 'fidelity, ControlNet − Gaussian, no prompt',
        rule: { kind: 'above', bound: LEAST },
        ...shown('fidelity'),
      },
      (panel) => view.difference(none(panel, 'proposed'), none(panel, 'gaussian'), unit),
    ),
    view.claim(
      {
        id: 'gaussian-equals-lite',
        claim: 'Without zero convolutions ControlNet performs like ControlNet-lite.',
        source: PAPER.gaussian.source,
        test: `Fidelity with no prompt, Gaussian minus lite; within ±${ALIKE} counts as alike.`,
        quantity: 'fidelity, Gaussian − lite, no prompt',
        rule: { kind: 'within', lo: -ALIKE, hi: ALIKE },
        ...shown('fidelity'),
      },
      (panel) => view.difference(none(panel, 'gaussian'), none(panel, 'lite'), unit),
    ),
    view.claim(
      {
        id: 'lite-fails-without-prompt',
        ...PAPER.lite,
        test: `Fidelity with no prompt, ControlNet minus ControlNet-lite; an advantage below ${LEAST} counts as none.`,
        quantity: 'fidelity, ControlNet − lite, no prompt',
        rule: { kind: 'above', bound: LEAST },
        ...shown('fidelity'),
      },
      (panel) => view.difference(none(panel, 'proposed'), none(panel, 'lite'), unit),
    ),
  ];
}

async function sections(view: View, panel: Panel): Promise<Section[]> {
  const real = mean(panel.real('frechet')).toFixed(1);
  return [
    { id: panel.id('pictures'), title: panel.title('The pictures'), blocks: [armsByPrompts(view, panel)] },
    {
      id: panel.id('convergence'),
      title: panel.title('Does control come suddenly?'),
      blocks: [await filmStrip(view, panel), curves(view, panel), losses(view, panel)],
    },
    {
      id: panel.id('condition-fidelity'),
      title: panel.title('Condition fidelity'),
      blocks: [
        { kind: 'prose', text: PAPER.noNumbers },
        promptBars(view, panel, 'fidelity'),
        promptTable(view, panel, 'fidelity'),
        ...(view.applies('exact-edges', panel) ? [promptTable(view, panel, 'exact-edges')] : []),
      ],
    },
    {
      id: panel.id('quality'),
      title: panel.title('What the pictures show'),
      blocks: [
        promptTable(view, panel, 'clip'),
        promptTable(view, panel, 'aesthetic', `The evaluated scenes themselves reach ${mean(panel.real('aesthetic')).toFixed(2)}.`),
        promptTable(view, panel, 'frechet', `The evaluated scenes themselves reach ${real} at their number: what so few pictures cost.`),
        measureTable(view, panel, 'content', ['object', 'background'], 'perfect'),
        trainingTable(view, panel),
      ],
    },
  ];
}

const score = (panel: Panel, drawing: string, prompt: 'none' | 'perfect'): string =>
  panel.value(drawing, prompt, 'fidelity').value.toFixed(2);

export const ablation: Experiment = {
  id: 'ablation',
  title: 'ControlNet ablation: zero convolutions, Gaussian convolutions, ControlNet-lite',
  description: 'ControlNet, Gaussian convolutions and ControlNet-lite under four prompt settings (ControlNet, section 4.2, figure 8)',
  profiles,
  arms,
  prompts: ['none', 'insufficient', 'conflicting', 'perfect'],
  measures: [conditionFidelity, exactEdges, clipScore, aestheticScore, frechet, objectRecognised, backgroundColour],
  takeaway: ({ panels: [panel] }) =>
    `Without a prompt the three follow ${panel!.label} to ${arms.map(({ id, label }) => `${score(panel!, id, 'none')} (${label})`).join(', ')}, the base model alone to ${score(panel!, BASE, 'none')}: ${panel!.measure('fidelity').label(panel!.condition)}.`,
  summary: ({ panels, results: { profile }, seeds }) =>
    [
      `Three control networks were trained for ${profile.recipe.steps} steps of ${profile.recipe.batchSize} on the same frozen mini Stable Diffusion, with half of the prompts dropped, from ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each.`,
      ...panels.map(
        (panel) =>
          `${capitalised(panel.label)}, with a perfect prompt: ${arms.map(({ id, label }) => `${label} ${score(panel, id, 'perfect')}`).join(', ')}.`,
      ),
      `A steady rise would put ${100 * JUMP_WINDOW}% of it into an eighth of the steps. The model is small: what it shows is the mechanism, not Stable Diffusion’s numbers.`,
    ].join(' '),
  claims,
  sections: async (view) => (await Promise.all(view.panels.map((panel) => sections(view, panel)))).flat(),
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(ablation);
