import { controlNet } from '@controllab/controlnet';
import type { Claim, Measurement, Section } from '@controllab/report';
import { profiles } from './arms.ts';
import { drawingBars, measureTable } from '../comparison/view/blocks/measures.ts';
import { sideBySide } from '../comparison/view/blocks/pictures.ts';
import { trainingTable } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import type { ConditionId } from '../comparison/conditions.ts';
import { BASE, type Arm, type DrawnControl, type Drawing, type Experiment, type Profile } from '../comparison/experiment.ts';
import { conditionFidelity, frechet } from '../comparison/compute/judging/measures.ts';
import { listText, numberText, threadText, type Thread } from '../comparison/view/questions.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

/** What is composed: each has a network of its own, trained alone. */
const COMPOSED = ['canny', 'mask', 'scribble'] as const satisfies readonly ConditionId[];
type Composed = (typeof COMPOSED)[number];

const PAIR: ConditionId = 'canny+mask';

const arms: readonly Arm[] = [
  { id: 'proposed', label: 'ControlNet', description: 'trainable copy of the encoder, tied in by zero convolutions', method: controlNet() },
  {
    id: 'both',
    label: 'one network for both',
    description: 'one ControlNet whose condition has the edges in its red channel and the mask in its green one',
    method: controlNet(),
    condition: PAIR,
  },
];

const control = (condition: Composed, scale = 1, more: Partial<DrawnControl> = {}): DrawnControl => ({
  arm: 'proposed',
  condition,
  scale,
  ...more,
});

const names: Readonly<Record<Composed, string>> = { canny: 'edges', mask: 'mask', scribble: 'scribble' };

/** Drawings whose pictures the page shows: those that are told apart by eye. */
const PICTURED = /^(base|alone-.*|sum|both|silent-.*|three)$/;

const both: Drawing = {
  id: 'both',
  label: 'one network for both',
  controls: [{ arm: 'both', condition: PAIR, scale: 1 }],
  panels: ['canny', 'mask'],
};

/** Pictures of pairs of objects, most of them, and of single ones: under one, two and three conditions. */
function drawings(_arms: readonly Arm[], { conditions }: Profile): Drawing[] {
  const has = (...ids: Composed[]): boolean => ids.every((id) => conditions.includes(id));
  const added = (id: string, label: string, controls: readonly DrawnControl[]): Drawing => ({
    id,
    label,
    controls,
    panels: [...new Set(controls.map(({ condition }) => condition))],
  });
  return [
    { id: BASE, label: 'base model, no control', controls: [], panels: conditions },
    ...COMPOSED.filter((id) => has(id)).map((id) => added(`alone-${id}`, `${names[id]} alone`, [control(id)])),
    ...(has('canny', 'mask')
      ? [
          added('sum', 'edges + mask', [control('canny'), control('mask')]),
          added('half', 'edges + mask, half each', [control('canny', 0.5), control('mask', 0.5)]),
          added('canny-first', 'edges + mask at 0.5', [control('canny'), control('mask', 0.5)]),
          added('silent-mask', 'edges + silent mask', [control('canny'), control('mask', 1, { silent: true })]),
          added('silent-canny', 'silent edges + mask', [control('canny', 1, { silent: true }), control('mask')]),
          both,
        ]
      : []),
    ...(has('canny', 'mask', 'scribble')
      ? [
          added('three', 'all three', [control('canny'), control('mask'), control('scribble')]),
          added(
            'three-thirds',
            'all three, a third each',
            COMPOSED.map((id) => control(id, 1 / 3)),
          ),
        ]
      : []),
  ];
}

const threads: Thread[] = [14, 271].map((number) => ({ repository: 'lllyasviel/ControlNet', number }));

/** What is lost below this changes nobody's choice. */
const LEAST = 0.05;

const fidelity = (panel: Panel, drawing: string) => panel.samples(drawing, 'perfect', 'fidelity');

/** A claim about one panel or two: what a drawing keeps of the fidelity of another. */
function kept(
  view: View,
  id: string,
  text: { claim: string; source: string },
  [drawing, reference]: readonly [string, (condition: string) => string],
  conditions: readonly Composed[] = COMPOSED,
): Claim[] {
  // What is not drawn because a training failed was to be drawn.
  const panels = view.panels.filter(
    (panel) => conditions.includes(panel.condition as Composed) && (panel.drawn(drawing, 'perfect') || view.results.failed.length > 0),
  );
  if (panels.length === 0) return [];
  const made = view.claim(
    {
      ...text,
      id,
      test: `Fidelity to the condition, perfect prompt, minus that of its own network alone, same noise and scenes; within ±${LEAST} counts as kept.`,
      quantity: `fidelity, ${drawing} − alone`,
      rule: { kind: 'within', lo: -LEAST, hi: LEAST },
      primary: true,
      shownIn: view.panels[0]!.id('composed'),
    },
    (panel) => view.difference(fidelity(panel, drawing), fidelity(panel, reference(panel.condition)), [0, 1]),
    null,
    panels,
  );
  return [made];
}

const alone = (condition: string): string => `alone-${condition}`;

const claims = (view: View): Claim[] => [
  ...kept(
    view,
    'sum-keeps',
    { claim: 'Outputs of several ControlNets may be added as they are: no weights are needed.', source: PAPER.composition.source },
    ['sum', alone],
  ),
  ...kept(view, 'three-keeps', { claim: 'The same holds for three of them.', source: PAPER.composition.source }, ['three', alone]),
  ...kept(
    view,
    'both-keeps',
    { claim: 'One network trained on both conditions follows each as well as a network of its own.', source: threadText(threads) },
    ['both', alone],
  ),
  ...kept(
    view,
    'silent-mask-harmless',
    { claim: 'A network whose condition is empty leaves the other one alone.', source: 'ours, after MIControlNet' },
    ['silent-mask', alone],
    ['canny'],
  ),
];

const value = (panel: Panel, drawing: string): Measurement => panel.value(drawing, 'perfect', 'fidelity');

/** A sentence about the panels that have a drawing of several controls. */
function addedAndAlone(view: View, what: string, drawing: string): string[] {
  const text = (panel: Panel, id: string): string => value(panel, id).value.toFixed(2);
  const panels = view.panels
    .filter((panel) => panel.drawn(drawing, 'perfect'))
    .map((panel) => `${text(panel, drawing)} against ${text(panel, alone(panel.condition))} (${panel.label})`);
  return panels.length === 0 ? [] : [`Fidelity under ${what}, and alone: ${panels.join(', ')}.`];
}

function sections(view: View, panel: Panel): Section[] {
  const shown = panel.drawings;
  return [
    {
      id: panel.id('composition'),
      title: panel.title('Fidelity to it'),
      blocks: [
        {
          kind: 'prose',
          text: `Fidelity to the ${panel.label}: ${listText(shown.map(({ id, label }) => `${label} ${numberText(value(panel, id), 2)}`))}.`,
        },
        drawingBars(view, panel, 'composed', 'fidelity', { drawings: shown, prompt: 'perfect' }),
        measureTable(view, panel, 'quality', ['fidelity', 'frechet'], 'perfect'),
        sideBySide(view, panel, { prompt: 'perfect', drawings: shown.filter(({ id }) => PICTURED.test(id)) }),
      ],
    },
  ];
}

const drawn: Profile['drawn'] = { singles: 12, pairs: 24, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true };

const composition: Experiment = {
  id: 'composition',
  title: 'Several conditions at once: ControlNets added, weighed, silent, and one network for both',
  description: 'two and three conditions by plain addition, with weights, with one of them silent, and by one network for both',
  profiles: {
    quick: {
      ...profiles.quick,
      conditions: ['canny', 'mask'],
      drawn: { ...drawn, ownScenes: false },
      recipe: { ...profiles.quick.recipe, examples: 1024, steps: 160 },
    },
    // The trainings of the ablation, but for the networks for both.
    standard: { ...profiles.standard, conditions: [...COMPOSED], drawn, shown: { singles: 2, pairs: 4 } },
    tiny: {
      ...profiles.tiny,
      conditions: [...COMPOSED],
      drawn: { ...profiles.tiny.drawn, singles: 1, pairs: 2 },
      shown: { singles: 1, pairs: 1 },
    },
  },
  arms,
  drawings,
  prompts: ['perfect'],
  measures: [conditionFidelity, frechet],
  takeaway: (view) => [...addedAndAlone(view, 'edges and mask added', 'sum'), ...addedAndAlone(view, 'all three', 'three')].join(' '),
  summary: ({ seeds }) =>
    `Each condition has a ControlNet of its own (${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}); together they add what they give to the same U-Net, as the paper does, with weights, or with one of them shown a black picture. One further network was trained on two conditions in one picture, a channel each. Fidelity is kept where it stays within the margin in both directions: adding a condition that tells more of the scene raises it, and a rise beyond the margin is not reproduced either.`,
  claims,
  sections: (view) => [
    ...view.panels.flatMap((panel) => sections(view, panel)),
    { id: 'trained', title: 'What was trained', blocks: [trainingTable(view, view.panels[0]!)] },
  ],
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
};

export default comparison(composition);
