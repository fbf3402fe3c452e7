import type { Base } from '@controllab/base-model';
import type { Dataset } from '@controllab/data';
import type { Style } from '@controllab/emoji-scenes';
import type { EvaluationSet, LazySet } from '../compute/drawing/evaluation-set.ts';
import type { LossPlan } from '../compute/judging/held-out-loss.ts';
import type { LossScenes, LossSize, SceneCounts } from '../experiment.ts';

/** Scenes that hold what no training sees. */
export type Unseen = Exclude<LossScenes, 'trained'>;

/** What a comparison trains on, with scenes that it keeps apart: for what is drawn, for a loss, for distances between sets. */
export interface ComparedData {
  /** Trained on; scenes that the base model was not trained on. */
  readonly dataset: Dataset;
  /** Scenes that no training draws, the same for every arm and profile; `from` k gives those that stand behind k sets of this size. */
  evaluation(counts: SceneCounts, from?: number): Promise<EvaluationSet>;
  /** The first so many scenes on which the loss is taken: of the kinds that are trained on, or such that hold what no training sees. */
  loss(size: LossSize, unseen?: Unseen): Promise<LossPlan>;
  /** Scenes of the same kinds as those evaluated, in the same proportion, that are evaluated nowhere else. */
  reference(counts: SceneCounts): Promise<LazySet>;
}

/** Opens it for a base: at the side of its pictures, and, where drawings have a style, in its. */
export type OpenComparedData = (on: { base: Pick<Base, 'pixels'>; style: Style }) => Promise<ComparedData>;
