import { uniform } from '@controllab/data';
import type { Measurement } from '@controllab/report';
import { mean, type Panel, type View } from '../view.ts';

/** Fidelity over a training run: at each evaluated step one value an image. */
export interface Curve {
  steps: readonly number[];
  perImage: readonly (readonly number[])[];
}

export interface Jump {
  /** At most 1: a curve that falls again after its steepest part rose there by no more than all of it. */
  value: number;
  interval: readonly [number, number];
  /** The steepest window. */
  from: number;
  to: number;
  images: number;
}

/** The window in which a sudden rise is looked for, as a share of the run. */
export const JUMP_WINDOW = 1 / 8;
const RESAMPLES = 2000;

/**
 * How sudden the rise is: the share of the whole run's rise in mean fidelity that falls into its steepest window of an eighth
 * of the steps, fidelity between two evaluations on the line between them. A steady rise gives 1/8, one jump gives 1. The interval is a
 * percentile bootstrap over images. Null when fidelity did not rise (there is nothing of which to take a share), or where every two
 * evaluations are further apart than such a window.
 */
export function jumpShare(curve: Curve): Jump | null {
  const images = curve.perImage[0]?.length ?? 0;
  const all = Array.from({ length: images }, (_, i) => i);
  const found = steepest(curve, all);
  if (found === null) return null;
  const shares: number[] = [];
  for (let b = 0; b < RESAMPLES; b++) {
    const draw = Array.from(uniform(1, 'jump-bootstrap', b, images), (u) => all[Math.floor(u * images)]!);
    // A resample without a rise is one in which nothing jumped.
    shares.push(steepest(curve, draw)?.share ?? 0);
  }
  shares.sort((a, b) => a - b);
  const at = (q: number): number => shares[Math.min(shares.length - 1, Math.floor(q * shares.length))]!;
  return { value: found.share, interval: [at(0.025), at(0.975)], from: found.from, to: found.to, images };
}

function steepest({ steps, perImage }: Curve, images: readonly number[]): { share: number; from: number; to: number } | null {
  const values = perImage.map((row) => mean(images.map((i) => row[i]!)));
  const total = values.at(-1)! - values[0]!;
  if (!(total > 0)) return null;
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const window = last * JUMP_WINDOW;
  // Evaluations further apart than the window say nothing of what happens within it.
  if (steps.every((step, i) => i === 0 || step - steps[i - 1]! > window)) return null;
  const at = (step: number): number => {
    const i = Math.max(
      1,
      steps.findIndex((known) => known >= step),
    );
    const [a, b] = [steps[i - 1]!, steps[i]!];
    return values[i - 1]! + ((values[i]! - values[i - 1]!) * (step - a)) / (b - a);
  };
  let best = { rise: -Infinity, from: 0, to: 0 };
  // Between two evaluations the rise within a window changes linearly with its place: the steepest one begins or ends at an evaluation.
  for (const from of steps.flatMap((step) => [step - window, step])) {
    if (from < first || from + window > last) continue;
    const rise = at(from + window) - at(from);
    if (rise > best.rise) best = { rise, from, to: from + window };
  }
  return { share: Math.min(1, best.rise / total), from: best.from, to: best.to };
}

const UNIT = [0, 1] as const;

/** {@link jumpShare} of an arm's trainings; of one training with its interval over pictures. Null where one of them did not rise. */
export function suddenness(view: View, panel: Panel, arm: string): Measurement | null {
  const jumps = panel.trainings(arm).map(({ curve }) => jumpShare(curve));
  const found = jumps.filter((jump) => jump !== null);
  if (found.length < jumps.length) return null;
  const perTraining = found.map(({ value }) => value);
  if (found.length > 1)
    return view.measured(
      perTraining.map((value) => [value]),
      UNIT,
    );
  const [{ value, interval, images }] = found as [Jump];
  return { value, interval, n: images, method: 'percentile bootstrap over images', seeds: view.seeds, perTraining, range: UNIT };
}
