import { attributions } from '@controllab/emoji-scenes';
import { styleOf } from '@controllab/mini-sd';
import type { Report } from '@controllab/report';
import type { Job, JobContext } from '../runner/job.ts';
import { checkDeclaration } from './check-declaration.ts';
import { choiceOptions, chosen, choicesText, type Choices } from './choices.ts';
import { BASE_ALONE, shownAs, trainingCount, type Experiment, type Profile } from './experiment.ts';
import { conditionFidelity } from './compute/judging/measures.ts';
import { planOf } from './plan.ts';
import { computeResults } from './results.ts';
import { sourcesOf } from './sources.ts';
import { experimentTasks } from './tasks.ts';
import { lossTable } from './view/blocks/losses.ts';
import { verdictsText } from './view/verdicts-text.ts';
import { repetition } from './view/blocks/repetition.ts';
import { curves, trainingTable } from './view/blocks/trainings.ts';
import { View, type Panel } from './view/view.ts';

/** The job of an experiment that compares trainings. */
export function comparison(experiment: Experiment): Job<Profile, View> {
  return {
    id: experiment.id,
    description: experiment.description,
    profiles: experiment.profiles,
    options: choiceOptions(experiment),
    chosen: (profile, flags) => chosen(profile, flags as Choices),
    check: ({ profile }) => checkDeclaration(experiment, profile),
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

/** What an experiment shows of a run. */
type Shown = Pick<Report, 'takeaway' | 'claims' | 'sections'> & Pick<Partial<Report>, 'lead'>;

async function shownOf(experiment: Experiment, view: View): Promise<Shown> {
  const { lead } = experiment;
  try {
    const shown: Shown = {
      takeaway: experiment.takeaway(view),
      claims: experiment.claims(view),
      sections: await experiment.sections(view),
      ...(lead === undefined ? {} : { lead: lead(view) }),
    };
    return view.results.failed.length === 0 ? shown : withoutLost(shown);
  } catch (error) {
    if (!view.isWithout(error)) throw error;
    return withoutLost(withoutComparison(experiment, view));
  }
}

/** The same without references to blocks that are not there, as those of an arm whose training failed may not be. */
function withoutLost({ claims, sections, lead, ...shown }: Shown): Shown {
  const blocks = new Set(sections.flatMap((section) => section.blocks.flatMap((block) => ('id' in block ? [block.id] : []))));
  return {
    ...shown,
    claims: claims.map(({ shownIn, ...claim }) => (shownIn !== undefined && blocks.has(shownIn) ? { ...claim, shownIn } : claim)),
    sections,
    ...(lead !== undefined && blocks.has(lead) ? { lead } : {}),
  };
}

/** The same where it compares with an arm whose training failed throughout: claims, and what each of the other arms did. */
function withoutComparison(experiment: Experiment, view: View): Shown {
  const blocks = (panel: Panel) => [
    ...(experiment.measures.includes(conditionFidelity) ? [curves(view, panel)] : []),
    ...(view.results.heldOut === null ? [] : [lossTable(view, panel)]),
    trainingTable(view, panel),
  ];
  return {
    takeaway: 'An arm that the others are compared with has a training that was no longer finite: what is left is shown arm by arm.',
    claims: experiment.claims(view),
    sections: view.panels.map((panel) => ({ id: panel.id('left'), title: panel.title('What was trained'), blocks: blocks(panel) })),
  };
}

/** The document; its claims also beside those of the published report, where that has other trainings. */
async function documentOf(experiment: Experiment, view: View, at: JobContext<Profile>): Promise<Omit<Report, 'id' | 'provenance'>> {
  const { id, title, summary } = experiment;
  const { claims, sections, takeaway, ...shown } = await shownOf(experiment, view);
  const choices = choicesText(at.flags as Choices & Readonly<Record<string, unknown>>);
  const repeated =
    choices === ''
      ? repetition({ id, profile: at.profileName, claims }, { seeds: view.seeds, instructionSet: at.numerics.instructionSet })
      : null;
  return {
    title,
    ...shown,
    takeaway: `${takeaway}${verdictsText(claims)}`,
    summary: `${summary(view)}${choices}${failedText(view)}`,
    arms: [
      // A loss is taken of the base model too, whether or not it draws.
      ...(view.results.heldOut === null ? [] : [BASE_ALONE]),
      ...view.arms.map(({ id, label }) => ({ id, label })),
      ...view.results.drawings.filter((drawing) => shownAs(drawing) === drawing.id).map(({ id, label }) => ({ id, label })),
    ].filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i),
    claims,
    sections: [...sections, ...(repeated === null ? [] : [repeated])],
    attribution: [...new Set(Object.values(view.results.grounds).map(({ name }) => styleOf(name)))].map((style) => attributions[style]),
  };
}
