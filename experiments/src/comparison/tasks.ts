import type { JobContext, Task } from '../runner/job.ts';
import { drawingHashes, storedDrawings, trainedFor } from './compute/drawing/draw.ts';
import { seedsDrawn, shownIn } from './compute/drawing/draw-all.ts';
import { hasMeasures, storedMeasures } from './compute/judging/judge.ts';
import { heldOutLoss } from './compute/judging/stored-loss.ts';
import { lossPair, planOn } from './compute/losses.ts';
import { openSetting } from './compute/setting.ts';
import { hasFailed, trainedOrFailed } from './compute/training/failed.ts';
import { labelOf, trainingIdentity, type TrainingKey } from './compute/training/train.ts';
import { seedsOf, trainingsOf } from './compute/training/trainings.ts';
import { drawingsOf, isCodeModel, samplesOf, type Drawing, type Experiment, type Profile } from './experiment.ts';

const taskOf = ({ arm, condition, seed }: TrainingKey): string => `${condition}-${arm.id}-${seed}`;

/**
 * The parts of an experiment that can be computed by themselves: a training with what is drawn from it alone, and what is drawn from no
 * training or several. Whoever draws pictures measures them.
 */
export async function experimentTasks(experiment: Experiment, at: JobContext<Profile>): Promise<Task[]> {
  const setting = await openSetting(experiment, at);
  const drawings = drawingsOf(experiment, at.profile);
  const released = (work: () => Promise<unknown>): Promise<void> =>
    work()
      .then(() => {})
      .finally(() => setting.release());
  const { arms, measures, prompts } = experiment;
  const draw = async (drawing: Drawing, seed: number): Promise<void> => {
    const drawn = Object.values(await storedDrawings(setting, drawing, arms, seed, prompts));
    for (const shown of shownIn(setting, drawing, seed))
      for (const pictures of drawn) await storedMeasures(setting, measures, { ...shown, ...pictures });
  };
  const has = (drawing: Drawing, seed: number): boolean => {
    const drawn = drawingHashes(setting, drawing, arms, seed, prompts);
    const shown = shownIn(setting, drawing, seed);
    return drawn?.every((hash) => shown.every((one) => hasMeasures(setting, measures, { ...one, hash }))) ?? false;
  };
  const trainings = trainingsOf(experiment, at).map(({ key, seed }): Task => {
    const { arm, condition } = key;
    const own = drawings.filter(
      ({ controls }) => controls.length === 1 && controls[0]!.arm === arm.id && controls[0]!.condition === condition,
    );
    return {
      id: taskOf(key),
      label: labelOf(key),
      cost: samplesOf(at.profile, arm),
      ...(arm.from === undefined ? {} : { after: [taskOf({ ...key, arm: arm.from })] }),
      // Another experiment may have trained it, and drawn something else.
      done: () =>
        hasFailed(setting, key) || (at.store.has('training', trainingIdentity(setting, key)) && own.every((drawing) => has(drawing, seed))),
      run: () =>
        released(async () => {
          if ('step' in (await trainedOrFailed(setting, key))) return;
          for (const drawing of own) await draw(drawing, seed);
          if (isCodeModel(arm.method)) return;
          if (at.profile.heldOut !== undefined)
            await heldOutLoss(setting, { training: key, condition, plan: await planOn(setting, at.profile.heldOut, arm) });
          for (const on of at.profile.heldOut?.alsoOn ?? []) await lossPair(setting, key, on);
        }),
    };
  });
  const trainingTasks = new Set(trainings.map(({ id }) => id));
  const others = drawings
    .filter(({ controls }) => controls.length !== 1)
    .flatMap((drawing) =>
      seedsDrawn(experiment, drawing, seedsOf(at)).map((seed): Task => {
        const keys = trainedFor(drawing, arms, seed);
        const after = keys.map(taskOf).filter((id) => trainingTasks.has(id));
        return {
          id: `drawn-${drawing.id}-${seed}`,
          label: `drawn: ${drawing.label}, seed ${seed}`,
          ...(after.length === 0 ? {} : { after }),
          // The report leaves an arm out whose training failed, and what is drawn from it.
          done: () => keys.some((key) => hasFailed(setting, key)) || has(drawing, seed),
          run: () =>
            released(async () => {
              for (const key of keys) if ('step' in (await trainedOrFailed(setting, key))) return;
              await draw(drawing, seed);
            }),
        };
      }),
    );
  // An arm with a condition of its own stands in every panel, and is trained once. Drawings come last: they wait for their trainings.
  return [...new Map([...trainings, ...others].map((task) => [task.id, task])).values()];
}
