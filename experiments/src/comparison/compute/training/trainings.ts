import type { JobContext } from '../../../runner/job.ts';
import type { ConditionId } from '../../conditions.ts';
import { armsOf, seedsOfArm, trainedFrom, type Experiment, type Profile } from '../../experiment.ts';
import type { TrainingKey } from './train.ts';

/** The seeds of a run. */
export const seedsOf = ({ profile, seed }: Pick<JobContext<Profile>, 'profile' | 'seed'>): number[] =>
  Array.from({ length: profile.seeds }, (_, i) => seed + i);

/** Each training with the condition of the panel that it stands in, and the seed of the run that it is drawn from with. */
export const trainingsOf = (experiment: Experiment, at: JobContext<Profile>): { panel: ConditionId; key: TrainingKey; seed: number }[] =>
  at.profile.conditions.flatMap((panel) =>
    seedsOf(at).flatMap((seed) =>
      armsOf(experiment, at.profile)
        .filter((arm) => seedsOfArm(arm, seedsOf(at)).includes(seed))
        .map((arm) => ({ panel, key: { arm, condition: arm.condition ?? panel, seed: trainedFrom(arm, seed) }, seed })),
    ),
  );
