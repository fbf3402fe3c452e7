import { countParameters } from '@controllab/core-blocks';
import type { Style } from '@controllab/emoji-scenes';
import { checkReportFolder, type ImageGrid } from '@controllab/report';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { TrainingResult } from '@controllab/training';
import { saveWeights } from '../weights.ts';
import { stageReportFolder, writeStageReport } from './stage-report.ts';
import { trainStage, type Recipe, type StageDefinition, type StageOptions } from './stage.ts';

type Weights = Record<string, HostTensor>;

/** What was measured on scenes that training never drew, by name, and something to look at. */
export interface StageQuality {
  readonly quality: Record<string, number>;
  readonly grid?: ImageGrid;
}

/** A part of the embedded default: how it is trained, and what is kept of it. */
export interface Stage extends StageDefinition {
  recipe: Recipe & Record<string, unknown>;
  /** Of its report. */
  title: string;
  /** What its weights' file says beside recipe, seed, number of parameters and quality. */
  metadata?(weights: Weights): Record<string, string> | Promise<Record<string, string>>;
  /** Measures the weights before they are stored: their file has the numbers too. */
  measure?(weights: Weights): Promise<StageQuality>;
  /** Measures what is drawn with the stored weights: the report alone has the numbers. */
  measureStored?(): Promise<StageQuality>;
  /** Whose drawings the report shows. */
  drawings?: readonly Style[];
}

/**
 * Trains a part and, when it ends, stores its weights in half precision, with what made them, and writes its report.
 * A run that was interrupted leaves its checkpoints alone.
 */
export async function runStage(stage: Stage, options: StageOptions): Promise<TrainingResult> {
  const { part, recipe, title, drawings } = stage;
  const { tier, seed } = options;
  await checkReportFolder(stageReportFolder(tier, part));
  const trained = await trainStage(stage, options);
  const { weights } = trained;
  if (weights === null) return trained.result;
  const metadata = await stage.metadata?.(weights);
  const measured = await stage.measure?.(weights);
  saveWeights(part, tier, weights, {
    recipe: JSON.stringify(recipe),
    seed: String(seed),
    parameters: String(countParameters(stage.module)),
    ...metadata,
    ...(measured === undefined ? {} : { quality: JSON.stringify(measured.quality) }),
  });
  const { quality, grid } = measured ?? (await stage.measureStored?.()) ?? { quality: {} };
  await writeStageReport({
    part,
    title,
    tier,
    seed,
    recipe,
    trained,
    quality,
    ...(grid === undefined ? {} : { grid }),
    ...(drawings === undefined ? {} : { drawings }),
  });
  return trained.result;
}
