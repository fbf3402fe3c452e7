import { attributions } from '@controllab/emoji-scenes';
import { styleOf } from '@controllab/mini-sd';
import type { Job, JobContext } from '../runner/job.ts';
import { BASE_ALONE, shownAs, trainingCount, type Experiment, type Profile } from './experiment.ts';
import { planOf } from './plan.ts';
import { computeResults, experimentTasks } from './results.ts';
import { sourcesOf } from './sources.ts';
import { View } from './view/view.ts';

/** The job of an experiment that compares trainings. */
export function comparison(experiment: Experiment): Job<Profile, View> {
  return {
    id: experiment.id,
    description: experiment.description,
    profiles: experiment.profiles,
    seeded: true,
    engines: 'onnx or tfjs',
    trainings: (profile) => trainingCount(experiment, profile),
    plan: (profile) => planOf(experiment, profile),
    tasks: (at: JobContext<Profile>) => experimentTasks(experiment, at),
    run: async (at) => new View(experiment, await computeResults(experiment, at)),
    report: async (view) => ({
      title: experiment.title,
      takeaway: experiment.takeaway(view),
      summary: experiment.summary(view),
      ...(experiment.lead === undefined ? {} : { lead: experiment.lead(view) }),
      arms: [
        // A loss is taken of the base model too, whether or not it draws.
        ...(view.results.heldOut === null ? [] : [BASE_ALONE]),
        ...view.arms.map(({ id, label }) => ({ id, label })),
        ...view.results.drawings.filter((drawing) => shownAs(drawing) === drawing.id).map(({ id, label }) => ({ id, label })),
      ].filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i),
      claims: experiment.claims(view),
      sections: await experiment.sections(view),
      attribution: [...new Set(Object.values(view.results.grounds).map(({ name }) => styleOf(name)))].map((style) => attributions[style]),
    }),
    sources: ({ arms, results }, runs) => sourcesOf(results, arms, runs),
  };
}
