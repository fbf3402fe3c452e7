import type { RgbImage } from '@controllab/data';
import { byCondition } from '../../conditions.ts';
import { drawingsOf, type Drawing, type Experiment } from '../../experiment.ts';
import { storedMeasures, type Shown, type Values } from '../judging/judge.ts';
import type { PoolOfPictures } from '../judging/pooled.ts';
import type { Setting } from '../training/train.ts';
import { seedsOf } from '../training/trainings.ts';
import { drawnFor, storedDrawings } from './draw.ts';

/** One drawing under one prompt setting, from one seed, held against one condition. */
export interface DrawnCell {
  readonly images: readonly RgbImage[];
  readonly measures: Readonly<Record<string, Values>>;
}

/** What the pictures of a drawing from one seed are held against, by panel. */
export const shownIn = (setting: Setting, drawing: Drawing, seed: number): Omit<Shown, 'hash'>[] => {
  const [scenes, ground] = [drawnFor(setting, drawing, seed), setting.on(drawing)];
  return drawing.panels.map((condition) => ({ scenes, condition, ground }));
};

/** The seeds that a drawing is made from: those that all its arms have. */
export const seedsDrawn = ({ arms }: Experiment, { controls }: Drawing, seeds: readonly number[]): readonly number[] =>
  seeds.slice(0, Math.min(...[Infinity, ...controls.map(({ arm }) => arms.find(({ id }) => id === arm)!.seeds ?? Infinity)]));

/** By condition, drawing and prompt setting. */
type ByDrawing<T> = Record<string, Record<string, Record<string, T>>>;

/** Everything that an experiment draws, measured, in the order of the seeds: cell by cell, and the pictures of all seeds together. */
export async function drawAll(
  setting: Setting,
  experiment: Experiment,
): Promise<{ cells: ByDrawing<DrawnCell[]>; pools: ByDrawing<PoolOfPictures> }> {
  const { profile } = setting.at;
  const { arms, measures, prompts } = experiment;
  const cells: ByDrawing<DrawnCell[]> = byCondition(profile.conditions);
  const pools: ByDrawing<PoolOfPictures> = byCondition(profile.conditions);
  const made = drawingsOf(experiment, profile).flatMap((drawing) =>
    seedsDrawn(experiment, drawing, seedsOf(setting.at)).map((seed) => ({ drawing, seed })),
  );
  for (const { drawing, seed } of made) {
    const drawn = await storedDrawings(setting, drawing, arms, seed, prompts);
    for (const shown of shownIn(setting, drawing, seed)) {
      const { condition, scenes } = shown;
      const cellsHere = (cells[condition]![drawing.id] ??= {});
      const poolsHere = (pools[condition]![drawing.id] ??= {});
      for (const [prompt, pictures] of Object.entries(drawn)) {
        const measured = await storedMeasures(setting, measures, { ...shown, ...pictures });
        (cellsHere[prompt] ??= []).push({ images: pictures.images, measures: measured });
        (poolsHere[prompt] ??= { ground: setting.on(drawing), drawn: [] }).drawn.push({ ...pictures, scenes });
      }
    }
  }
  return { cells, pools };
}
