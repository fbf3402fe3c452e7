import { COMMITTED_TIER, openBase, openJudges, styleOf, type Judges } from '@controllab/mini-sd';
import type { JobContext } from '../../runner/job.ts';
import type { ComparedData } from '../data/compared-data.ts';
import { openComparedData } from '../data/open-data.ts';
import { armsOf, drawingsOf, groundName, groundOf, type Arm, type Experiment, type On, type Profile } from '../experiment.ts';
import type { EvaluationSet } from './drawing/evaluation-set.ts';
import { storedFeatures } from './judging/reference.ts';
import type { Ground, Setting } from './training/train.ts';
import { seedsOf } from './training/trainings.ts';

/** Everything that an experiment trains or draws on, the profile's first, each once. */
export function groundsOf(experiment: Experiment, profile: Profile): ReadonlyMap<string, Required<On>> {
  const trained = (arm: Arm): On[] => [arm, ...(arm.from === undefined ? [] : trained(arm.from))];
  const all = [{}, ...armsOf(experiment, profile).flatMap(trained), ...drawingsOf(experiment, profile)];
  return new Map(all.map((on) => [groundName(profile, on), groundOf(profile, on)]));
}

/** The scenes that each seed's pictures are drawn for. */
async function scenesBySeed(at: JobContext<Profile>, data: ComparedData): Promise<ReadonlyMap<number, EvaluationSet>> {
  const { singles, pairs, ownScenes } = at.profile.drawn;
  const of = (from: number): Promise<EvaluationSet> => data.evaluation({ singles, pairs }, from);
  const shared = await of(0);
  return new Map(await Promise.all(seedsOf(at).map(async (seed) => [seed, ownScenes ? await of(seed) : shared] as const)));
}

/** @throws what `openBase` throws, naming the base, where it has no weights */
async function openGround(at: JobContext<Profile>, on: Required<On>, judges: Judges): Promise<Ground> {
  const base = await openBase(on.base);
  const data = await openComparedData(on.data, { base, style: styleOf(on.base) });
  let reference: ReturnType<Ground['reference']> | null = null;
  const scenes = await scenesBySeed(at, data);
  return {
    base,
    dataset: data.dataset,
    loss: (size, unseen) => data.loss(size, unseen),
    followed: await data.evaluation({ singles: at.profile.follow.images, pairs: 0 }),
    scenesOf: (seed) => scenes.get(seed)!,
    reference: () => (reference ??= data.reference(at.profile.drawn).then((scenes) => storedFeatures({ at, judges }, scenes))),
  };
}

/** Opens what an experiment runs on: judges, and each ground once. @throws what `openBase` throws, naming the base */
export async function openSetting(experiment: Experiment, at: JobContext<Profile>): Promise<Setting & { release(): Promise<void> }> {
  const judges = openJudges(COMMITTED_TIER, at.engine);
  const grounds = new Map<string, Ground>();
  for (const [name, on] of groundsOf(experiment, at.profile)) grounds.set(name, await openGround(at, on, judges));
  const on = (what: On = {}): Ground => grounds.get(groundName(at.profile, what))!;
  return { ...on(), at, judges, on, release: () => judges.release() };
}
