import type { Claim, Section } from '@controllab/report';
import { FIGURE_8, profiles, tuned as arms } from './arms.ts';
import { lossByTimestep, lossTable } from '../comparison/view/blocks/losses.ts';
import { measureTable, promptBars, promptTable } from '../comparison/view/blocks/measures.ts';
import { armsByPrompts, filmStrip } from '../comparison/view/blocks/pictures.ts';
import { curves, losses, trainingTable } from '../comparison/view/blocks/trainings.ts';
import { comparison } from '../comparison/comparison.ts';
import { BASE, promptedAndUnprompted, type Arm, type Experiment } from '../comparison/experiment.ts';
import {
  aestheticScore,
  backgroundColour,
  clipScore,
  conditionFidelity,
  exactEdges,
  objectRecognised,
  objectTopFive,
  unnamedRecognised,
} from '../comparison/compute/judging/measures.ts';
import { lossClaim, startFacts, suddenClaim } from '../comparison/view/claims.ts';
import { combine, mean, type Panel, type Samples, type View } from '../comparison/view/view.ts';
import { PAPER } from '../paper-values.ts';

/** Least effect of interest, fixed before the standard run: a smaller advantage would change nobody's choice. */
const LEAST = 0.04;

/** Whether an arm's objects are recognised without a prompt: the mean of the two ways to guide them, picture by picture. */
const recognised = (panel: Panel, arm: string): Samples =>
  combine(panel.samples(`${arm}-conditional`, 'none', 'object'), panel.samples(`${arm}-weighted`, 'none', 'object'), (a, b) => (a + b) / 2);

const lossOf = (panel: Panel, arm: string): Samples => panel.heldOut(arm, 'none');
const minus = (a: Samples, b: Samples): Samples => combine(a, b, (x, y) => x - y);
const unit = [0, 1] as const;

/** ControlNet against one of figure 8's other arms: what is recognised without a prompt, and the loss. */
function against(view: View, arm: 'gaussian' | 'lite'): Claim[] {
  const { label } = arms.find(({ id }) => id === arm)!;
  return [
    view.claim(
      {
        ...PAPER[arm],
        id: `recognised-${arm}`,
        test: `Share of single objects that mini-inception names, no prompt, control in the conditional half, mean of plain and resolution-weighted: ControlNet minus ${label}, same noise and data. An advantage below ${LEAST} counts as none.`,
        quantity: `object top-1, ControlNet − ${label}, no prompt`,
        rule: { kind: 'above', bound: LEAST },
        primary: true,
        shownIn: view.panels[0]!.id('no-prompt'),
      },
      (panel) => view.difference(recognised(panel, 'proposed'), recognised(panel, arm), unit),
    ),
    ...lossClaim(
      view,
      { ...PAPER[arm], id: `loss-${arm}`, test: `${label} minus ControlNet.`, quantity: `held-out loss, ${label} − ControlNet` },
      [],
      (panel) => view.difference(lossOf(panel, arm), lossOf(panel, 'proposed')),
    ),
  ];
}

/** What only the random copies can tell: whether it is the pretrained copy that Gaussian connections destroy, and what it is worth. */
const copies = (view: View): Claim[] => [
  ...lossClaim(
    view,
    {
      ...PAPER.gaussian,
      id: 'backbone-destroyed',
      test: 'What Gaussian connections cost a pretrained copy, minus what they cost a random one: above the bound they destroy something that only the pretrained copy had.',
      quantity: 'held-out loss, (Gaussian − zero, pretrained) − (Gaussian − zero, random)',
    },
    ['random', 'random-gaussian'],
    (panel) =>
      view.difference(
        minus(lossOf(panel, 'gaussian'), lossOf(panel, 'proposed')),
        minus(lossOf(panel, 'random-gaussian'), lossOf(panel, 'random')),
      ),
  ),
  ...lossClaim(
    view,
    {
      id: 'copy-helps',
      ...PAPER.pretrainedCopy,
      test: 'Random copy minus ControlNet.',
      quantity: 'held-out loss, random copy − ControlNet',
    },
    ['random'],
    (panel) => view.difference(lossOf(panel, 'random'), lossOf(panel, 'proposed')),
  ),
];

function secondary(view: View): Claim[] {
  const shown = (block: string) => ({ primary: false, shownIn: view.panels[0]!.id(block) });
  return [
    suddenClaim(view, 'proposed'),
    view.claim(
      {
        id: 'all-prompts',
        ...PAPER.allPrompts,
        test: 'Fidelity under the worst of the four prompt settings, minus nine tenths of that under a perfect prompt, training by training: above 0 means that at least 90% of it needs none of them.',
        quantity: 'fidelity, worst prompt setting − 0.9 × perfect prompt',
        rule: { kind: 'above', bound: 0 },
        ...shown('fidelity'),
      },
      (panel) => {
        const means = view.experiment.prompts.map((prompt) => panel.samples('proposed', prompt, 'fidelity').map(mean));
        const perfect = panel.samples('proposed', 'perfect', 'fidelity').map(mean);
        return view.measured(
          perfect.map((value, training) => [Math.min(...means.map((all) => all[training]!)) - 0.9 * value]),
          [-0.9, 1],
        );
      },
    ),
    view.claim(
      {
        id: 'gaussian-equals-lite',
        claim: 'Without zero convolutions ControlNet performs like ControlNet-lite.',
        source: PAPER.gaussian.source,
        test: `Share of objects recognised without a prompt, Gaussian minus lite; within ±${LEAST} counts as alike. Measured only where ControlNet is shown to be above lite: where all arms are alike, so are these two.`,
        quantity: 'object top-1, Gaussian − lite, no prompt, where ControlNet is above lite',
        rule: { kind: 'within', lo: -LEAST, hi: LEAST },
        ...shown('no-prompt'),
      },
      (panel) => {
        const told = view.difference(recognised(panel, 'proposed'), recognised(panel, 'lite'), unit);
        return told.interval !== null && told.interval[0] > 0
          ? view.difference(recognised(panel, 'gaussian'), recognised(panel, 'lite'), unit)
          : null;
      },
    ),
  ];
}

async function sections(view: View, panel: Panel): Promise<Section[]> {
  const figure8 = panel.drawings.filter(({ id }) => id === BASE || FIGURE_8.includes(id));
  const unprompted = panel.drawings.filter(({ id }) => id.endsWith('-conditional') || id.endsWith('-weighted'));
  return [
    {
      id: panel.id('pictures'),
      title: panel.title('The pictures'),
      blocks: [armsByPrompts(view, panel, figure8), armsByPrompts(view, panel, unprompted, 'unprompted-grid')],
    },
    {
      id: panel.id('recognition'),
      title: panel.title('What is recognised without a prompt'),
      blocks: [
        measureTable(view, panel, 'no-prompt', ['object', 'object-top-5', 'fidelity'], 'none'),
        promptTable(view, panel, 'unnamed'),
        ...(view.results.heldOut === null ? [] : [lossTable(view, panel), lossByTimestep(view, panel, 'none')]),
      ],
    },
    {
      id: panel.id('convergence'),
      title: panel.title('Does control come suddenly?'),
      blocks: [await filmStrip(view, panel), curves(view, panel), losses(view, panel)],
    },
    {
      id: panel.id('condition-fidelity'),
      title: panel.title('Condition fidelity'),
      blocks: [
        { kind: 'prose', text: PAPER.figureOnly },
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
        measureTable(view, panel, 'content', ['object', 'background'], 'perfect'),
        trainingTable(view, panel),
      ],
    },
  ];
}

const claims = (view: View): Claim[] => [
  ...startFacts(view, 'proposed', 'gaussian'),
  ...against(view, 'lite'),
  ...against(view, 'gaussian'),
  ...copies(view),
  ...secondary(view),
];

/** Which arm ends with the least loss without a prompt, control by control; nothing where no loss is taken. */
function leastLoss({ panels, arms: trained, results }: View): string[] {
  if (results.heldOut === null) return [];
  const least = panels.map((panel) => {
    const loss = ({ id }: Arm): number => mean(panel.heldOut(id, 'none').map(mean));
    const [best] = [...trained].sort((a, b) => loss(a) - loss(b));
    return `under ${panel.label} ${best!.label}`;
  });
  return [`Least loss on held-out scenes without a prompt: ${least.join('; ')}.`];
}

const share = (panel: Panel, arm: string): string => panel.measured(recognised(panel, arm), unit).value.toFixed(2);

export const ablation: Experiment = {
  id: 'ablation',
  title: 'ControlNet ablation: zero convolutions, Gaussian convolutions, ControlNet-lite',
  description: 'ControlNet, Gaussian convolutions and ControlNet-lite under four prompt settings (ControlNet, section 4.2, figure 8)',
  profiles: { ...profiles, quick: { ...profiles.quick, arms: FIGURE_8 }, tiny: { ...profiles.tiny, arms: FIGURE_8 } },
  arms,
  conditions: 'several',
  expected: {
    results: 18,
    differences: [
      { quantity: 'objects recognised without a prompt', scatter: 0.032 },
      { quantity: 'held-out loss', scatter: 0.002 },
    ],
  },
  untrained: ['proposed', 'gaussian'],
  drawings: promptedAndUnprompted,
  prompts: ['none', 'insufficient', 'conflicting', 'perfect'],
  measures: [
    conditionFidelity,
    exactEdges,
    objectRecognised,
    objectTopFive,
    unnamedRecognised,
    backgroundColour,
    clipScore,
    aestheticScore,
  ],
  takeaway: (view) => {
    const { panels, arms: trained } = view;
    const [panel] = panels as [Panel];
    const recognition = `Without a prompt, of objects given by ${panel.label}, are recognised, over plain and resolution-weighted guidance: ${trained.map(({ id, label }) => `${share(panel, id)} (${label})`).join(', ')}.`;
    return [recognition, ...leastLoss(view)].join(' ');
  },
  summary: ({ results: { profile }, arms: trained, seeds }) =>
    `${trained.length} control networks were trained for ${profile.recipe.steps} steps of ${profile.recipe.batchSize} on the same frozen mini Stable Diffusion, with half of the prompts dropped, from ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} each. Without a prompt pictures are drawn with control in both halves of guidance and in the conditional half alone; claims are about the second. The model is small: what it shows is the mechanism, not Stable Diffusion’s numbers.`,
  claims,
  sections: async (view) => (await Promise.all(view.panels.map((panel) => sections(view, panel)))).flat(),
  lead: ({ panels: [panel] }) => panel!.id('film-strip'),
};

export default comparison(ablation);
