import type { LineFigure, Table } from '@controllab/report';
import type { FollowedId } from '../../compute/judging/measures.ts';
import type { Arm } from '../../experiment.ts';
import { course, perStep, pointsOf, samplesAfter } from './trainings.ts';
import { numberText } from '../questions.ts';
import { reached, type Reached } from '../statistics/reached.ts';
import { mean, type Panel, type View } from '../view.ts';

/** A quantity over training: `fidelity`, or what else the followed pictures are measured by. */
export type FollowedQuantity = 'fidelity' | FollowedId;

/** Of each picture at each evaluated step, training by training. */
const followed = (panel: Panel, arm: string, of: FollowedQuantity): (readonly (readonly number[])[])[] =>
  panel.trainings(arm).map(({ curve: { perImage, measures } }) => (of === 'fidelity' ? perImage : measures![of]!));

/** Another quantity than fidelity over training, in samples seen. */
export function followedCurves(view: View, panel: Panel, of: FollowedId, arms: readonly Arm[] = view.arms): LineFigure {
  const { label, method, range } = view.measure(of);
  const { images, steps: sampling } = view.results.profile.follow;
  return {
    kind: 'line',
    id: panel.id(`${of}-curve`),
    caption: `While training: ${label(panel.condition)} of ${images} held-out pictures with perfect prompts, ${sampling} DDIM steps without guidance. ${method(panel.condition)} Bands: 95% over ${view.over}.`,
    x: { label: 'samples seen' },
    y: { label: label(panel.condition) },
    series: arms.map((arm) => {
      const trainings = panel.trainings(arm.id);
      const x = trainings[0]!.curve.steps.map((step) => samplesAfter(view, arm, step));
      return course(view, arm, { x, points: pointsOf(followed(panel, arm.id, of)), trainings: trainings.length, range });
    }),
  };
}

/** For each training of an arm: a quantity that starts beyond its target is there from the first evaluation on. */
export const reachedIn = (view: View, panel: Panel, arm: string, of: FollowedQuantity, target: number): Reached[] => {
  const direction = view.measure(of).better === 'lower' ? 'down' : 'up';
  return followed(panel, arm, of).map((values, i) => reached(panel.trainings(arm)[i]!.curve.steps, values.map(mean), target, direction));
};

const lastStep = (panel: Panel, arm: string): number => panel.trainings(arm)[0]!.curve.steps.at(-1)!;

/** When an arm reached a target, as a sentence has it: steps and an interval over trainings, or that it did not. */
export function stepsToText(view: View, panel: Panel, arm: string, of: FollowedQuantity, target: number): string {
  const found = reachedIn(view, panel, arm, of, target);
  const last = lastStep(panel, arm);
  const never = found.filter(({ censored }) => censored).length;
  if (never === found.length) return `not within ${last}`;
  const mean = numberText(view.measured(found.map(({ steps }) => [steps]), [0, last]), 0); // prettier-ignore
  return never === 0 ? mean : `more than ${mean}, not within ${last} in ${never} of ${found.length} trainings`;
}

/** When each arm reached targets, in samples and in steps; a training that never did counts with all it saw, and is counted. */
export function reachedTable(
  view: View,
  panel: Panel,
  targets: readonly { readonly of: FollowedQuantity; readonly target: number; readonly label: string }[],
  id = 'reached',
): Table {
  return {
    kind: 'table',
    id: panel.id(id),
    caption: `When the mean over the followed pictures first gets there, evaluated every ${view.results.profile.follow.every} steps. A training that never does counts with all that it saw, and stands in the column behind.`,
    rowHeader: 'Arm',
    columns: targets.flatMap(({ label }) => [
      { label: `steps to ${label}`, better: 'lower' as const },
      { label: `samples to ${label}`, better: 'lower' as const },
      { label: `never` },
    ]),
    rows: view.arms.map((arm) => ({
      label: arm.label,
      arm: arm.id,
      cells: targets.flatMap(({ of, target }) => {
        const found = reachedIn(view, panel, arm.id, of, target);
        const [last, each] = [lastStep(panel, arm.id), perStep(view, arm)];
        return [
          view.measured(found.map(({ steps }) => [steps]), [0, last]), // prettier-ignore
          view.measured(found.map(({ steps }) => [steps * each]), [0, last * each]), // prettier-ignore
          `${found.filter(({ censored }) => censored).length} of ${found.length}`,
        ];
      }),
    })),
  };
}
