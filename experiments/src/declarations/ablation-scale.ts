import type { LineFigure } from '@controllab/report';
import { tuned as ablated, heldOut, recipe, undrawn } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { lossClaim } from '../comparison/view/claims.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { combine, type Panel, type View } from '../comparison/view/view.ts';
import { PAPER } from './paper-values.ts';

const CROSSED = ['proposed', 'gaussian', 'random', 'random-gaussian'] as const;
type Crossed = (typeof CROSSED)[number];

const SIZES = [256, 1024, 4096, 16384] as const;
type Size = (typeof SIZES)[number];

/** The four arms of copy x connection on ever more scenes, at equal steps. */
const arms: readonly Arm[] = SIZES.flatMap((examples) =>
  CROSSED.map((id): Arm => {
    const arm = ablated.find((known) => known.id === id)!;
    return { ...arm, id: `${id}-${examples}`, label: `${arm.label}, ${examples} scenes`, recipe: { ...arm.recipe, examples } };
  }),
);

const standard: Profile = undrawn.byLoss;

const losses = (panel: Panel, arm: Crossed, size: Size) => panel.heldOut(`${arm}-${size}`, 'none');
const minus = (panel: Panel, a: Crossed, b: Crossed, size: Size) =>
  combine(losses(panel, a, size), losses(panel, b, size), (x, y) => x - y);

/** What Gaussian connections cost a pretrained copy beyond what they cost a random one. */
const interaction = (view: View, panel: Panel, size: Size) =>
  view.difference(minus(panel, 'gaussian', 'proposed', size), minus(panel, 'random-gaussian', 'random', size));

/** What a pretrained copy is worth. */
const worth = (view: View, panel: Panel, size: Size) => view.difference(losses(panel, 'random', size), losses(panel, 'proposed', size));

function figure(view: View, panel: Panel): LineFigure {
  const line = (id: string, label: string, of: typeof worth) => {
    const points = SIZES.map((size) => of(view, panel, size));
    const band = points.map(({ value, interval }) => interval ?? ([value, value] as const));
    return { label, arm: id, x: SIZES, y: points.map(({ value }) => value), band, n: view.seeds.length, seeds: view.seeds };
  };
  return {
    kind: 'line',
    id: panel.id('scale'),
    caption: `Held-out loss without a prompt against training scenes: random minus pretrained copy, and what Gaussian connections cost a pretrained copy beyond a random one. Bands: 95% over ${view.over}.`,
    x: { label: 'training scenes' },
    y: { label: 'difference in held-out loss' },
    series: [
      line('random-16384', 'worth of the pretrained copy', worth),
      line('gaussian-16384', 'destroyed by Gaussian connections', interaction),
    ],
  };
}

const scale: Experiment = {
  id: 'ablation-scale',
  title: 'When does the pretrained copy matter? Copy × connection against the number of scenes',
  description: 'pretrained and random copies, zero and Gaussian convolutions, on 256 to 16,384 scenes',
  profiles: {
    quick: { ...standard, seeds: 1, recipe: { ...recipe, steps: 40 }, heldOut: { ...heldOut, scenes: 16 } },
    standard,
    tiny: {
      ...standard,
      seeds: 1,
      recipe: { ...recipe, batchSize: 2, steps: 4 },
      follow: { images: 1, steps: 1, every: 4 },
      heldOut: { scenes: 2, timesteps: [500] },
    },
  },
  arms,
  expected: { results: 8, differences: [{ quantity: 'held-out loss', scatter: 0.002 }] },
  drawings: () => [],
  prompts: [],
  measures: [],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    return `A pretrained copy is worth ${SIZES.map((size) => `${worth(view, panel, size).value.toFixed(4)} of held-out loss on ${size} scenes`).join(', ')}.`;
  },
  summary: () =>
    'The paper says that Gaussian connections destroy the pretrained copy. Only the interaction of copy and connection tests that, and it should show where there is little to learn from.',
  claims: (view) =>
    SIZES.flatMap((size) => [
      ...lossClaim(
        view,
        {
          ...PAPER.pretrainedCopy,
          id: `copy-helps-${size}`,
          test: `Random copy minus ControlNet, ${size} scenes.`,
          quantity: `held-out loss, random copy − ControlNet, ${size} scenes`,
        },
        [],
        (panel) => worth(view, panel, size),
      ),
      ...lossClaim(
        view,
        {
          ...PAPER.gaussian,
          id: `backbone-destroyed-${size}`,
          test: `What Gaussian connections cost a pretrained copy minus what they cost a random one, ${size} scenes.`,
          quantity: `held-out loss, interaction, ${size} scenes`,
        },
        [],
        (panel) => interaction(view, panel, size),
      ),
    ]),
  sections: (view) =>
    view.panels.map((panel) => ({
      id: panel.id('scale-section'),
      title: panel.title('Scale'),
      blocks: [figure(view, panel), lossTable(view, panel)],
    })),
};

export default comparison(scale);
