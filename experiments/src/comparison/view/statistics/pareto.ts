import { uniform } from '@controllab/data';
import { mean } from '../view.ts';

/** Whether `a` is as good as `b` in everything and better in something; less is better. */
const dominates = (a: readonly number[], b: readonly number[]): boolean => a.every((x, i) => x <= b[i]!) && a.some((x, i) => x < b[i]!);

/** Which of the points no other one dominates: the Pareto front. Less is better in every coordinate. */
export const paretoFront = (points: readonly (readonly number[])[]): boolean[] =>
  points.map((point) => !points.some((other) => dominates(other, point)));

const RESAMPLES = 2000;

/**
 * How often each arm is on the Pareto front of means when trainings are drawn with replacement, the same ones for all arms, which are
 * paired by seed.
 * @param arms for each arm its trainings' coordinates; less is better
 */
export function frontMembership(arms: readonly (readonly (readonly number[])[])[], seed: number): number[] {
  const trainings = arms[0]!.length;
  const times = arms.map(() => 0);
  for (let k = 0; k < RESAMPLES; k++) {
    const drawn = [...uniform(seed, 'pareto front', k, trainings)].map((u) => Math.min(Math.floor(u * trainings), trainings - 1));
    const means = arms.map((each) => each[0]!.map((_, i) => mean(drawn.map((t) => each[t]![i]!))));
    for (const [i, member] of paretoFront(means).entries()) if (member) times[i]! += 1;
  }
  return times.map((count) => count / RESAMPLES);
}
