import { attributions } from '@controllab/emoji-scenes';
import { styleOf } from '@controllab/mini-sd';
import type { Report } from '@controllab/report';
import type { Job, JobContext } from '../runner/job.ts';
import { choiceOptions, chosen, choicesText, type Choices } from './choices.ts';
import { BASE_ALONE, shownAs, trainingCount, type Experiment, type Profile } from './experiment.ts';
import { planOf } from './plan.ts';
import { computeResults, experimentTasks } from './results.ts';
import { sourcesOf } from './sources.ts';
import { repetition } from './view/blocks/repetition.ts';
import { View } from './view/view.ts';

/** The job of an experiment that compares trainings. */
export function comparison(experiment: Experiment): Job<Profile, View> {
  return {
    id: experiment.id,
    description: experiment.description,
    profiles: experiment.profiles,
    options: choiceOptions(experiment),
    chosen: (profile, flags) => chosen(profile, flags as Choices),
    seeded: true,
    engines: 'onnx or tfjs',
    trainings: (profile) => trainingCount(experiment, profile),
    plan: (profile) => planOf(experiment, profile),
    tasks: (at: JobContext<Profile>) => experimentTasks(experiment, at),
    run: async (at) => new View(experiment, await computeResults(experiment, at)),
    report: async (view, at) => documentOf(experiment, view, at),
    sources: ({ arms, results }, runs) => sourcesOf(results, arms, runs),
  };
}

/** What the first screen says of arms that are left out. */
const failedText = ({ results: { failed } }: View): string =>
  failed.length === 0
    ? ''
    : ` Left out are arms with a training that was no longer finite: ${failed.map(({ label, step }) => `${label}, from step ${step} on`).join('; ')}.`;

/** The document; its claims also beside those of the published report, where that has other trainings. */
async function documentOf(experiment: Experiment, view: View, at: JobContext<Profile>): Promise<Omit<Report, 'id' | 'provenance'>> {
  const { id, title, takeaway, summary, lead } = experiment;
  const claims = experiment.claims(view);
  const choices = choicesText(at.flags as Choices);
  const repeated =
    choices === ''
      ? repetition({ id, profile: at.profileName, claims }, { seeds: view.seeds, instructionSet: at.numerics.instructionSet })
      : null;
  return {
    title,
    takeaway: takeaway(view),
    summary: `${summary(view)}${choices}${failedText(view)}`,
    ...(lead === undefined ? {} : { lead: lead(view) }),
    arms: [
      // A loss is taken of the base model too, whether or not it draws.
      ...(view.results.heldOut === null ? [] : [BASE_ALONE]),
      ...view.arms.map(({ id, label }) => ({ id, label })),
      ...view.results.drawings.filter((drawing) => shownAs(drawing) === drawing.id).map(({ id, label }) => ({ id, label })),
    ].filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i),
    claims,
    sections: [...(await experiment.sections(view)), ...(repeated === null ? [] : [repeated])],
    attribution: [...new Set(Object.values(view.results.grounds).map(({ name }) => styleOf(name)))].map((style) => attributions[style]),
  };
}
