import { expectedPower, MIN_TRAININGS } from '@controllab/report';
import { armsOf, drawingsOf, samplesOf, trainingCount, type Drawing, type Experiment, type Profile } from './experiment.ts';

const counted = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

/** Pictures of one drawing from one seed. */
function picturesOf(drawing: Drawing, { prompts }: Pick<Experiment, 'prompts'>, { drawn }: Profile): number {
  const scenes = Math.min(drawn.singles, drawing.scenes?.singles ?? Infinity) + Math.min(drawn.pairs, drawing.scenes?.pairs ?? Infinity);
  return scenes * (drawing.prompts ?? prompts).length;
}

/**
 * What a run costs and what it can see, said before it starts: trainings, samples, pictures, and the differences that its number of
 * trainings shows four times in five.
 */
export function planOf(experiment: Experiment, profile: Profile): string[] {
  const arms = armsOf(experiment, profile);
  const { seeds, conditions } = profile;
  const seedsOf = (id: string): number => Math.min(seeds, arms.find((arm) => arm.id === id)?.seeds ?? seeds);
  const samples = arms.reduce(
    (sum, arm) => sum + samplesOf(profile, arm) * seedsOf(arm.id) * (arm.condition === undefined ? conditions.length : 1),
    0,
  );
  const pictures = drawingsOf(experiment, profile).reduce(
    (sum, drawing) => sum + picturesOf(drawing, experiment, profile) * Math.min(seeds, ...drawing.controls.map(({ arm }) => seedsOf(arm))),
    0,
  );
  const trainings = counted(trainingCount(experiment, profile), 'training');
  const cost = `${trainings} of ${samples.toLocaleString('en')} samples together, ${counted(pictures, 'picture')} to draw, less what the store has`;
  const power = (experiment.expected?.differences ?? []).map(({ quantity, scatter }) => {
    const seen = expectedPower(scatter, seeds, experiment.expected!.results);
    return seen === null
      ? null
      : `${quantity}: if differences scatter by ${scatter} over seeds, ${seeds} trainings an arm show ${seen.alone.toFixed(3)} beyond the bound four times in five, ${seen.first.toFixed(3)} at the first step of Holm's correction`;
  });
  const judged = power.filter((line) => line !== null);
  return seeds < MIN_TRAININGS
    ? [cost, `${counted(seeds, 'training')} an arm: numbers and pictures, no verdict (that takes ${MIN_TRAININGS})`]
    : [cost, ...judged];
}
