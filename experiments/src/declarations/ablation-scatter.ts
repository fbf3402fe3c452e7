import type { Table } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import { tuned, heldOut, recipe, undrawn } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { mean, type Panel, type View } from '../comparison/view/view.ts';

/** What could narrow the scatter of the loss at a training's end: nothing, a rate that falls, an average of its weights. */
const ENDS: Readonly<Record<string, { label: string; recipe: Partial<Recipe> }>> = {
  constant: { label: 'constant rate', recipe: {} },
  cosine: { label: 'cosine to the end', recipe: { schedule: 'cosine' } },
  averaged: { label: 'averaged weights', recipe: { ema: 0.98 } },
};
/** What is compared with ControlNet. */
const OTHERS = ['random', 'lite'] as const;

const arms: readonly Arm[] = Object.entries(ENDS).flatMap(([end, { label, recipe: ending }]) =>
  (['proposed', ...OTHERS] as const).map((id): Arm => {
    const arm = tuned.find((known) => known.id === id)!;
    return { ...arm, id: `${id}-${end}`, label: `${arm.label}, ${label}`, recipe: { ...arm.recipe, ...ending } };
  }),
);

const standard: Profile = { ...undrawn.byLoss, seeds: 5 };

/** Standard deviation over trainings of an arm's loss minus ControlNet's, from the same seeds. */
function scatter(view: View, panel: Panel, arm: string, end: string): number | null {
  const difference = view.difference(panel.heldOut(`${arm}-${end}`, 'none'), panel.heldOut(`proposed-${end}`, 'none'));
  const of = difference.perTraining ?? [];
  return of.length < 2 ? null : Math.sqrt(of.reduce((sum, x) => sum + (x - mean(of)) ** 2, 0) / (of.length - 1));
}

const scatterTable = (view: View, panel: Panel): Table => ({
  kind: 'table',
  id: panel.id('scatter'),
  caption: `Standard deviation over ${view.over} of the difference to ControlNet in held-out loss without a prompt, same seeds: what a comparison of so many trainings has to see through.`,
  rowHeader: 'Training ends with',
  columns: OTHERS.map((id) => ({ label: tuned.find((arm) => arm.id === id)!.label, decimals: 4, better: 'lower' as const })),
  rows: Object.entries(ENDS).map(([end, { label }]) => ({
    label,
    cells: OTHERS.map((arm) => scatter(view, panel, arm, end)),
  })),
});

const shown = (value: number | null): string => (value === null ? 'not measured' : value.toFixed(4));

const scatterScreen: Experiment = {
  id: 'ablation-scatter',
  title: 'How far do trainings from different seeds scatter, and what narrows it?',
  description:
    'constant rate, falling rate and averaged weights, screened by how far losses scatter over seeds; take seeds that no result uses',
  profiles: {
    quick: { ...standard, seeds: 2, recipe: { ...recipe, steps: 40 }, heldOut: { scenes: 16, timesteps: heldOut.timesteps } },
    standard,
  },
  arms,
  conditions: 'several',
  drawings: () => [],
  prompts: [],
  measures: [],
  takeaway: (view) => {
    const [panel] = view.panels as [Panel];
    const of = (end: string): string => shown(scatter(view, panel, 'random', end));
    return `The difference of a random and a pretrained copy in held-out loss scatters over seeds by ${Object.entries(ENDS)
      .map(([end, { label }]) => `${of(end)} (${label})`)
      .join(', ')}.`;
  },
  summary: () =>
    'The first block of the ablation left most results open, because losses scatter over seeds more than had been reckoned. A rate that is constant to the last step leaves a training wherever its last batches threw it; this screen says how much of the scatter that is.',
  claims: () => [],
  sections: (view) =>
    view.panels.map((panel) => ({
      id: panel.id('scatter-section'),
      title: panel.title('Scatter'),
      blocks: [scatterTable(view, panel), lossTable(view, panel)],
    })),
};

export default comparison(scatterScreen);
