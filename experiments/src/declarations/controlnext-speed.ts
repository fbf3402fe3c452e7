import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';
import type { Claim } from '@controllab/report';
import { undrawn } from './arms.ts';
import { quick, tiny } from './convergence.ts';
import { lossCurves } from '../comparison/view/blocks/losses.ts';
import { filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, reachTable, samplesTo, trainingTable, type Reach } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { conditionFidelity } from '../comparison/compute/judging/measures.ts';
import type { Panel, View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

const OUT = /to_out/;

const methods: readonly (readonly [string, Method])[] = [
  ['controlnet', controlNet()],
  ['controlnet-out', controlNet({ jointRate: 0.1, trains: OUT })],
  ['controlnext', controlNeXt()],
  ['controlnext-locked', controlNeXt({ trains: 'none' })],
  ['controlnext-zero', controlNeXt({ normalization: 'zero-convolution' })],
  // A gain of 1 behind conv_in is the recipe: ControlNeXt itself.
  ['gain-35-conv-in', controlNeXt({ gain: 0.35, point: 'conv_in' })],
  ['gain-35-down-blocks-0', controlNeXt({ gain: 0.35, point: 'down_blocks.0' })],
  ['gain-100-down-blocks-0', controlNeXt({ gain: 1, point: 'down_blocks.0' })],
];

const arms: readonly Arm[] = methods.map(([id, method]) => ({ id, label: method.label, description: method.description, method }));

const standard: Profile = undrawn.byCourse;

/** Fixed before the run, between the base model's loss (0.23) and what ControlNet had after 320 steps of 8 once (0.18). */
const TARGET = 0.2;

/** How many times more samples one arm takes than another; 1.25 is the least that would change a choice. */
const slower = (view: View, id: string, text: { claim: string; source: string }, [a, b]: readonly [string, string]): Claim[] => {
  if (![a, b].every((arm) => view.meant.includes(arm))) return [];
  const labels = [a, b].map((arm) => arms.find(({ id }) => id === arm)!.label);
  return [
    view.claim(
      {
        ...text,
        id,
        test: `Samples until the loss on held-out scenes with a perfect prompt first falls below ${TARGET}, interpolated between evaluations; a training that never does counts with all it saw, and nothing is judged where neither of a pair does. Logarithm (base 2) of the ratio; a quarter more is 0.32.`,
        quantity: `log2 of samples, ${labels[0]} / ${labels[1]}`,
        rule: { kind: 'above', bound: 0.32 },
        primary: true,
        shownIn: view.panels[0]!.id('reach'),
      },
      (panel) => {
        const [ofA, ofB] = [a, b].map((arm) => samplesTo(view, panel, arm, TARGET)) as [Reach[], Reach[]];
        // Of two that never reach it nobody knows which would have been later.
        if (ofA.some(({ censored }, i) => censored && ofB[i]!.censored)) return null;
        const logs = (of: readonly Reach[]): number[][] => of.map(({ samples }) => [Math.log2(samples)]);
        // A loss that starts below the target, as that of a few easy scenes may, has no time to it.
        return [...logs(ofA), ...logs(ofB)].flat().every(Number.isFinite) ? view.difference(logs(ofA), logs(ofB)) : null;
      },
    ),
  ];
};

const speed: Experiment = {
  id: 'controlnext-speed',
  title: 'Does ControlNeXt converge faster, and what makes it?',
  description:
    'ControlNeXt, locked, with a zero convolution, and a ControlNet that trains the same subset; gain and point of the injection',
  profiles: {
    quick: { ...quick, arms: ['controlnet', 'controlnext', 'controlnext-zero'] },
    standard,
    tiny: { ...tiny, arms: ['controlnet', 'controlnext', 'controlnext-zero'] },
  },
  arms,
  conditions: 'one',
  drawings: () => [],
  prompts: [],
  measures: [conditionFidelity],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const found = (arm: string): string => {
      const reached = samplesTo(view, panel, arm, TARGET);
      const mean = reached.reduce((sum, { samples }) => sum + samples, 0) / reached.length;
      return `${reached.some(({ censored }) => censored) ? 'more than ' : ''}${Math.round(mean).toLocaleString('en')}`;
    };
    return `Samples to a held-out loss of ${TARGET}: ${view.arms.map(({ id, label }) => `${found(id)} (${label})`).join(', ')}.`;
  },
  summary: () =>
    'ControlNeXt differs from ControlNet in four things at once: its module, its one injection point, cross normalisation in place of zero convolutions, and output projections of the base that train. Here one is changed at a time.',
  claims: (view) => [
    ...slower(view, 'cross-beats-zero', PAPER.crossNormalization, ['controlnext-zero', 'controlnext']),
    ...slower(
      view,
      'controlnext-beats-controlnet',
      { claim: 'ControlNeXt as a whole lets control come faster than ControlNet.', source: PAPER.crossNormalization.source },
      ['controlnet', 'controlnext'],
    ),
    ...slower(view, 'unlocking-helps', { claim: 'What makes ControlNeXt fast is what it unlocks in the base.', source: 'ours' }, [
      'controlnext-locked',
      'controlnext',
    ]),
    ...slower(
      view,
      'unlocking-helps-controlnet',
      { claim: 'ControlNet too is faster where the same output projections of the base train with it.', source: 'ours' },
      ['controlnet', 'controlnet-out'],
    ),
  ],
  sections: async (view) => {
    const [panel] = view.panels as [Panel];
    return [
      { id: 'film', title: 'One condition over training', blocks: [await filmStrip(view, panel, 12)] },
      {
        id: 'speed',
        title: 'Samples to a loss',
        blocks: [reachTable(view, panel, TARGET), lossCurves(view, panel, 'perfect'), lossCurves(view, panel, 'none'), curves(view, panel)],
      },
      { id: 'trained', title: 'What was trained', blocks: [trainingTable(view, panel)] },
    ];
  },
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(speed);
