import { jsonHash } from '@controllab/data';
import type { ConditionId } from '../../conditions.ts';
import type { Experiment } from '../../experiment.ts';
import type { Drawn } from '../drawing/draw.ts';
import type { EvaluationSet } from '../drawing/evaluation-set.ts';
import { REAL, realPictures, storedMeasures, type Values } from './judge.ts';
import type { Ground, Setting } from '../training/train.ts';

/** Measures of so many pictures of all trainings together. */
export interface Pooled {
  readonly pictures: number;
  readonly measures: Readonly<Record<string, Values>>;
}

/** By condition and drawing (or `REAL`), then by prompt setting; empty where an experiment asks for none. */
export type PooledResults = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Pooled>>>>>>;

/** The pictures of one drawing under one prompt setting, from every seed. */
export interface PoolOfPictures {
  readonly ground: Ground;
  readonly drawn: (Drawn & { readonly scenes: EvaluationSet })[];
}

/** What `pooled` asks for, of drawings and of the evaluated scenes themselves, which have no prompt: they stand under every setting. */
export async function measurePooled(
  setting: Setting,
  { pooled: asked = [], prompts }: Pick<Experiment, 'pooled' | 'prompts'>,
  seeds: readonly number[],
  pools: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, PoolOfPictures>>>>>>,
): Promise<PooledResults> {
  const pooled: Record<string, Record<string, Record<string, Pooled>>> = {};
  const of = async ({ ground, drawn }: PoolOfPictures, condition: ConditionId): Promise<Pooled> => {
    const images = drawn.flatMap((one) => one.images);
    const scenes: EvaluationSet = {
      hash: jsonHash(drawn.map((one) => one.scenes.hash)),
      examples: drawn.flatMap((one) => one.scenes.examples),
      singles: 0,
    };
    const hash = jsonHash({ pooled: drawn.map((one) => one.hash) });
    const label = `${drawn[0]!.label}, with those of all other seeds`;
    return { pictures: images.length, measures: await storedMeasures(setting, asked, { hash, label, images, scenes, condition, ground }) };
  };
  for (const condition of setting.at.profile.conditions) {
    pooled[condition] = {};
    if (asked.length === 0) continue;
    for (const [drawing, byPrompt] of Object.entries(pools[condition]!)) {
      pooled[condition][drawing] = {};
      for (const [prompt, pool] of Object.entries(byPrompt)) pooled[condition][drawing][prompt] = await of(pool, condition);
    }
    const sets = [...new Set(seeds.map((seed) => setting.scenesOf(seed)))];
    const drawn = await Promise.all(sets.map(async (scenes) => ({ ...(await realPictures(scenes)), scenes })));
    const real = await of({ ground: setting, drawn }, condition);
    pooled[condition][REAL] = Object.fromEntries(prompts.map((prompt) => [prompt, real]));
  }
  return pooled;
}
