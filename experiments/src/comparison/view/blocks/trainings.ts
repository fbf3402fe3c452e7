import { meanInterval, type LineFigure, type Table } from '@controllab/report';
import { examplesOfStep } from '@controllab/training';
import type { Measure } from '../../compute/judging/measures.ts';
import { isCodeModel, recipeOf, stepsBefore, untilNow, type Arm } from '../../experiment.ts';
import { reached } from '../statistics/reached.ts';
import { mean, type Panel, type View } from '../view.ts';

/** Samples that an arm sees a step. */
export const perStep = (view: View, arm: Arm): number => examplesOfStep(recipeOf(view.results.profile, arm));

/** Samples that an arm's training has seen after some of its steps: those that it went on from count. */
export const samplesAfter = (view: View, arm: Arm, step: number): number =>
  perStep(view, arm) * (stepsBefore(view.results.profile, arm) + step);

/**
 * A line of what was measured while an arm trained.
 * @param points at each x what is averaged: a value a training, or of one training a value a picture
 * @param trainings how many they are
 */
export function course(
  view: View,
  { id, label }: Pick<Arm, 'id' | 'label'>,
  {
    x,
    points,
    trainings,
    range = null,
  }: { x: readonly number[]; points: readonly (readonly number[])[]; trainings: number; range?: Measure['range'] },
): LineFigure['series'][number] {
  const options = { seed: view.seeds[0]!, ...(range === null ? {} : { range }) };
  const band = points.map((point) => meanInterval(point, options).interval ?? ([mean(point), mean(point)] as const));
  return { label, arm: id, x, y: points.map(mean), band, n: points[0]!.length, seeds: view.seeds.slice(0, trainings) };
}

/** What {@link course} averages at each step, of values a picture at each step of every training. */
export const pointsOf = (trainings: readonly (readonly (readonly number[])[])[]): (readonly number[])[] =>
  trainings[0]!.map((first, k) => (trainings.length === 1 ? first : trainings.map((values) => mean(values[k]!))));

/** Whether arms see more or fewer samples a step, or go on from others, so that equal steps are not equal training. */
const overSamples = (view: View, arms: readonly Arm[] = view.arms): boolean =>
  new Set(arms.map((arm) => perStep(view, arm))).size > 1 || arms.some(({ from }) => from !== undefined);

/**
 * Fidelity over training: over steps, or over samples where {@link overSamples}.
 * @param options.arms followed under the panel's condition
 * @param options.id of the figure, where a page has several
 */
export function curves(
  view: View,
  panel: Panel,
  {
    arms = view.arms,
    over,
    id = over === undefined ? 'curve' : `curve-${over}`,
  }: { arms?: readonly Arm[]; over?: 'steps' | 'samples'; id?: string } = {},
): LineFigure {
  const { follow } = view.results.profile;
  const label = view.measure('fidelity').label(panel.condition);
  const bySteps = (over ?? (overSamples(view, arms) ? 'samples' : 'steps')) === 'steps';
  return {
    kind: 'line',
    id: panel.id(id),
    caption: `Fidelity while training: ${label} of ${follow.images} held-out scenes with perfect prompts, ${follow.steps} DDIM steps without guidance, every ${follow.every} steps. Bands: 95% over ${view.over}.`,
    x: { label: bySteps ? 'training step' : 'samples seen' },
    y: { label },
    series: arms.map((arm) => {
      const trainings = panel.trainings(arm.id).map(({ curve }) => curve);
      const { steps } = trainings[0]!;
      const points = pointsOf(trainings.map(({ perImage }) => perImage));
      const x = bySteps ? steps : steps.map((step) => samplesAfter(view, arm, step));
      return course(view, arm, { x, points, trainings: trainings.length, range: [0, 1] });
    }),
  };
}

const LOSS_WINDOW = 20;

/**
 * Training loss of the first seed, smoothed; batches, noise and timesteps are the same for all arms, so that curves are comparable step by
 * step.
 * @param arms such that this is true of
 */
export function losses(view: View, panel: Panel, arms: readonly Arm[] = view.arms): LineFigure {
  const { batchSize } = view.results.profile.recipe;
  return {
    kind: 'line',
    id: panel.id('loss'),
    caption: `Training loss, mean of ${LOSS_WINDOW} steps, seed ${view.seeds[0]}. All arms see the same batches, noise and timesteps in the same order.`,
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: arms.map(({ id, label }) => {
      const { losses: all } = panel.trainings(id)[0]!;
      const windows = Array.from({ length: Math.floor(all.length / LOSS_WINDOW) }, (_, k) =>
        mean(all.slice(k * LOSS_WINDOW, (k + 1) * LOSS_WINDOW)),
      );
      return {
        label,
        arm: id,
        x: windows.map((_, k) => (k + 1) * LOSS_WINDOW),
        y: windows,
        n: batchSize * LOSS_WINDOW,
        seeds: [view.seeds[0]!],
      };
    }),
  };
}

/** What training costs: multiply-accumulates of a step as its graph has them, and of all steps, those that it went on from with it. */
export function costTable(view: View, panel: Panel, arms = view.arms): Table {
  const whole = (arm: Arm): number => {
    const { step, before } = view.results.costs[arm.id]!;
    return before + step * recipeOf(view.results.profile, arm).steps;
  };
  const all = (arm: Arm): number => whole(arm) + (arm.from === undefined ? 0 : all(arm.from));
  return {
    kind: 'table',
    id: panel.id('cost'),
    caption:
      'Multiply-accumulates of training as the graphs have them: forward, backward and optimizer, per example and in all. Arms that go on from another training count its too, and models of several stages all of them; the examples leave out those of a first stage that makes codes.',
    rowHeader: 'Arm',
    columns: [
      { label: 'per example', unit: 'MMAC', better: 'lower' },
      { label: 'examples seen' },
      { label: 'in all', unit: 'GMAC', better: 'lower' },
    ],
    rows: arms.map((arm) => ({
      label: arm.label,
      arm: arm.id,
      cells: [
        Math.round(view.results.costs[arm.id]!.step / perStep(view, arm) / 1e6),
        samplesAfter(view, arm, recipeOf(view.results.profile, arm).steps),
        Math.round(all(arm) / 1e9),
      ],
    })),
  };
}

/** What was trained, and how it went. */
export function trainingTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('training'),
    caption: `What was trained.${view.arms.some(({ from }) => from !== undefined) ? ' Steps count those of the training that an arm goes on from.' : ''}${view.arms.some(({ method }) => isCodeModel(method)) ? ' The loss of a model that draws codes is a cross-entropy, that of all others the squared error of what the U-Net predicts.' : ''}`,
    rowHeader: 'Arm',
    columns: [
      { label: 'parameters of the control' },
      { label: 'trained in the base' },
      { label: 'steps' },
      { label: 'batch' },
      { label: 'loss, mean of last 50' },
    ],
    rows: view.arms.map((arm) => {
      const trainings = panel.trainings(arm.id);
      const { steps, batchSize } = untilNow(view.results.profile, arm);
      const last = trainings.map(({ losses: all }) => all.slice(-50));
      const { control, inBase } = trainings[0]!.parameters;
      return { label: arm.label, arm: arm.id, cells: [control, inBase, steps, batchSize, view.measured(last, [0, Number.MAX_VALUE])] };
    }),
  };
}

export interface Reach {
  readonly samples: number;
  /** Whether the training ended before it came there. */
  readonly censored: boolean;
}

/**
 * Samples that each training of an arm saw before its held-out loss, with a perfect prompt, mean over timesteps, fell to a target; all of
 * them, `censored`, where it never did.
 */
export function samplesTo(view: View, panel: Panel, arm: string, target: number): Reach[] {
  const samples = perStep(view, view.arm(arm));
  return panel.trainings(arm).map(({ curve: { steps, heldOut } }) => {
    const found = reached(steps, heldOut!.perfect.map(mean), target, 'down');
    return { samples: samples * found.steps, censored: found.censored };
  });
}

/** {@link samplesTo} of every arm. */
export function reachTable(view: View, panel: Panel, target: number): Table {
  return {
    kind: 'table',
    id: panel.id('reach'),
    caption: `Samples until the loss on held-out scenes with a perfect prompt falls to ${target}; trainings that never reach it count with all they saw, and are counted in the last column; of arms of which none does, that number alone.`,
    rowHeader: 'Arm',
    columns: [{ label: 'samples', better: 'lower' }, { label: 'not reached' }],
    rows: view.arms.map(({ id, label }) => {
      const reached = samplesTo(view, panel, id, target);
      return {
        label,
        arm: id,
        cells: [
          reached.every(({ censored }) => censored)
            ? `more than ${Math.max(...reached.map(({ samples }) => samples)).toLocaleString('en')}`
            : view.measured(reached.map(({ samples }) => [samples])),
          `${reached.filter(({ censored }) => censored).length} of ${reached.length}`,
        ],
      };
    }),
  };
}
