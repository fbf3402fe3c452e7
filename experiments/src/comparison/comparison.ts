import { attributions } from '@controllab/emoji-scenes';
import type { Job, JobContext, Sources } from '../runner/job.ts';
import type { Experiment, Profile } from './experiment.ts';
import { computeResults, experimentTasks, type Results } from './results.ts';
import { View } from './view.ts';

/** The job of an experiment that compares trainings. */
export function comparison(experiment: Experiment): Job<Profile, View> {
  return {
    id: experiment.id,
    description: experiment.description,
    profiles: experiment.profiles,
    seeded: true,
    engines: 'onnx or tfjs',
    trainings: ({ conditions, seeds }) => conditions.length * seeds * experiment.arms.length,
    tasks: (at: JobContext<Profile>) => experimentTasks(experiment, at),
    run: async (at) => new View(experiment, await computeResults(experiment, at)),
    report: async (view) => ({
      title: experiment.title,
      takeaway: experiment.takeaway(view),
      summary: experiment.summary(view),
      lead: experiment.lead(view),
      arms: view.results.drawings
        .map(({ id, label }) => ({ id, label }))
        .filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i),
      claims: experiment.claims(view),
      sections: await experiment.sections(view),
      attribution: [attributions.openmoji],
    }),
    sources: ({ results }) => sourcesOf(results),
  };
}

/** Provenance, training by training. */
function sourcesOf({ base, dataset, judges, trainings, scenes, seeds, numerics }: Results): Sources {
  const short = (hash: string): string => hash.slice(0, 12);
  const { engine, provider, threads, processor, instructionSet, runtime } = numerics;
  const ran = `${runtime}${provider === 'none' ? '' : `, ${provider}`}`;
  const each = (what: string, hashes: Readonly<Record<string, string>>) =>
    Object.entries(hashes).map(([name, hash]) => ({ name: `${what}: ${name}`, hash: short(hash), engine: ran }));
  return {
    weightsHash: Object.entries(base.hashes)
      .map(([part, hash]) => `${part} ${short(hash)}`)
      .join(', '),
    datasetHash: `${dataset.id} ${short(dataset.hash)}, evaluated scenes ${short(scenes.hash)}`,
    trainings: Object.entries(trainings).flatMap(([condition, arms]) =>
      Object.entries(arms).flatMap(([arm, stored]) =>
        stored.map(({ hash, record, cached }, i) => ({
          id: `${condition}-${arm}-${seeds[i]}`,
          seed: seeds[i]!,
          identity: hash,
          ...record,
          processor,
          instructionSet,
          engine: `${engine}, ${ran}`,
          threads,
          cached,
        })),
      ),
    ),
    networks: [...each('base', base.hashes), ...each('judge', judges)],
  };
}
