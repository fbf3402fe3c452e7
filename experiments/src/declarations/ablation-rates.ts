import { arms as ablated, heldOut, recipe, undrawn } from './arms.ts';
import { lossTable } from '../comparison/view/blocks/losses.ts';
import { comparison } from '../comparison/comparison.ts';
import type { Arm, Experiment, Profile } from '../comparison/experiment.ts';
import { mean, type Panel } from '../comparison/view/view.ts';

const RATES = [3e-4, 1e-3, 3e-3];

const idOf = (arm: string, rate: number): string => `${arm}-${String(rate).replaceAll('.', '')}`;

/** Every arm of the ablation at every rate; steps are the same, since a rate that needs more of them is not the better one for them. */
const arms: readonly Arm[] = ablated.flatMap((arm) =>
  RATES.map((learningRate) => ({
    ...arm,
    id: idOf(arm.id, learningRate),
    label: `${arm.label}, ${learningRate}`,
    recipe: { learningRate },
  })),
);

const standard: Profile = { ...undrawn.byLoss, seeds: 2 };

/** The rate at which an arm ends with the least loss on held-out scenes, the mean of no and perfect prompts. */
const best = (panel: Panel, arm: string): number => {
  const lossAt = (rate: number): number =>
    mean((['none', 'perfect'] as const).flatMap((prompt) => panel.heldOut(idOf(arm, rate), prompt).map(mean)));
  return RATES.reduce((a, b) => (lossAt(b) < lossAt(a) ? b : a));
};

const rates: Experiment = {
  id: 'ablation-rates',
  title: 'Which learning rate each arm of the ablation is trained at',
  description:
    'the arms of the ablation at three learning rates, screened by their loss on held-out scenes; take seeds that no result uses',
  profiles: {
    quick: { ...standard, seeds: 1, recipe: { ...recipe, steps: 40 }, heldOut: { scenes: 16, timesteps: heldOut.timesteps } },
    standard,
  },
  arms,
  conditions: 'several',
  drawings: () => [],
  prompts: [],
  measures: [],
  takeaway: ({ panels: [panel] }) =>
    `Least loss on held-out scenes: ${ablated.map(({ id, label }) => `${label} at ${best(panel!, id)}`).join(', ')}.`,
  summary: () =>
    'A comparison at one rate tuned on one of its arms favours that arm. This screen chooses a rate for each, on seeds of its own, by the loss on the scenes that also judge the ablation. A best rate at an end of those tried may lie beyond it.',
  claims: () => [],
  sections: (view) => view.panels.map((panel) => ({ id: panel.id('loss'), title: panel.title('Loss'), blocks: [lossTable(view, panel)] })),
};

export default comparison(rates);
