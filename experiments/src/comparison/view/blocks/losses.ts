import type { BarFigure, LineFigure, Measurement, Table } from '@controllab/report';
import { BASE, BASE_ALONE, type Arm } from '../../experiment.ts';
import { PROMPT_SETTINGS } from '../../prompts.ts';
import { LOSS_PROMPTS, type HeldOutLoss } from '../../compute/judging/held-out-loss.ts';
import { mean, type Panel, type View } from '../view.ts';
import { course, samplesAfter } from './trainings.ts';

const lossOf = (panel: Panel, arm: string, prompt: keyof HeldOutLoss): Measurement =>
  arm === BASE ? panel.baseLoss(prompt) : panel.measured(panel.heldOut(arm, prompt), [0, Number.MAX_VALUE]);

/** Held-out loss after training of some arms, side by side, without a prompt and with a perfect one. */
export function lossBars(view: View, panel: Panel, id: string, arms: readonly Pick<Arm, 'id' | 'label'>[]): BarFigure {
  const { scenes, timesteps } = view.results.profile.heldOut!;
  return {
    kind: 'bar',
    id: panel.id(id),
    caption: `Loss on ${scenes} held-out scenes after training, mean over timesteps ${timesteps.join(', ')}, same noise for all; lower is better. 95% intervals over ${view.over}.`,
    categories: LOSS_PROMPTS.map((prompt) => PROMPT_SETTINGS[prompt].label),
    y: { label: 'held-out loss' },
    series: arms.map((arm) => ({
      label: arm.label,
      ...(arm.id === BASE ? {} : { arm: arm.id }),
      values: LOSS_PROMPTS.map((prompt) => lossOf(panel, arm.id, prompt)),
    })),
  };
}

/** The loss on held-out scenes after training, by timestep, under one prompt setting: each arm's difference to the first one's. */
export function lossByTimestep(view: View, panel: Panel, prompt: keyof HeldOutLoss): LineFigure {
  const { timesteps, scenes } = view.results.profile.heldOut!;
  const [first, ...others] = view.arms as [Arm, ...Arm[]];
  return {
    kind: 'line',
    id: panel.id(`loss-${prompt}`),
    caption: `Loss on ${scenes} held-out scenes with ${PROMPT_SETTINGS[prompt].label}, by timestep: each arm minus ${first.label}, same scenes and noise; above 0 is worse. Bands: 95% over ${view.over}.`,
    x: { label: 'timestep (999 is pure noise)' },
    y: { label: `loss − that of ${first.label}` },
    series: others.map(({ id, label }) => {
      const points = timesteps.map((_, t) => view.difference(panel.heldOut(id, prompt, t), panel.heldOut(first.id, prompt, t)));
      const values = points.map(({ value }) => value);
      const band = points.map(({ value, interval }) => interval ?? ([value, value] as const));
      return { label, arm: id, x: timesteps, y: values, band, n: points[0]!.n, seeds: view.seeds };
    }),
  };
}

/** The same as numbers, over all timesteps. */
export function lossTable(view: View, panel: Panel): Table {
  const prompts = LOSS_PROMPTS;
  const { scenes, timesteps } = view.results.profile.heldOut!;
  const rows = [BASE_ALONE, ...view.arms];
  return {
    kind: 'table',
    id: panel.id('held-out-loss'),
    caption: `Loss on ${scenes} held-out scenes after training, mean over timesteps ${timesteps.join(', ')}, same noise for all.`,
    rowHeader: 'Model',
    columns: prompts.map((prompt) => ({ label: PROMPT_SETTINGS[prompt].label, better: 'lower' as const })),
    rows: rows.map(({ id, label }) => ({
      label,
      arm: id,
      cells: prompts.map((prompt) => lossOf(panel, id, prompt)),
    })),
  };
}

/**
 * Loss on held-out scenes over training, mean over timesteps.
 * @param options.id of the figure, where a page has several
 */
export function lossCurves(
  view: View,
  panel: Panel,
  prompt: keyof HeldOutLoss,
  { arms = view.arms, id = `held-out-${prompt}` }: { arms?: readonly Arm[]; id?: string } = {},
): LineFigure {
  const { scenes, timesteps } = view.results.profile.follow.loss!;
  return {
    kind: 'line',
    id: panel.id(id),
    caption: `Loss on ${scenes} held-out scenes with ${PROMPT_SETTINGS[prompt].label}, mean over timesteps ${timesteps.join(', ')}. ${view.seeds.length === 1 ? 'One training, no bands.' : `Bands: 95% over ${view.over}.`}`,
    x: { label: 'samples seen' },
    y: { label: 'held-out loss' },
    series: arms.map((arm) => {
      const trainings = panel.trainings(arm.id).map(({ curve }) => curve);
      const { steps } = trainings[0]!;
      const points = steps.map((_, k) => trainings.map(({ heldOut }) => mean(heldOut![prompt][k]!)));
      return course(view, arm, { x: steps.map((step) => samplesAfter(view, arm, step)), points, trainings: trainings.length });
    }),
  };
}
