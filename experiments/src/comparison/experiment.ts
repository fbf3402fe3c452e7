import type { Method } from '@controllab/core-blocks';
import type { Claim, Section } from '@controllab/report';
import type { Recipe } from '@controllab/training';
import type { ConditionId } from './conditions.ts';
import type { Measure } from './measures.ts';
import type { PromptSettingId } from './prompts.ts';
import type { View } from './view.ts';

/** One way of training that is compared with others. */
export interface Arm {
  /** a-z, 0-9 and "-". */
  readonly id: string;
  readonly label: string;
  /** What distinguishes it, for the report: a phrase. */
  readonly description: string;
  readonly method: Method;
  /** Where its recipe differs from the profile's. */
  readonly recipe?: Partial<Recipe>;
}

/** How much is trained and drawn. */
export interface Profile {
  /** `mini`, or a checkpoint. */
  readonly base: string;
  /** What the networks are conditioned on, one after the other. */
  readonly conditions: readonly ConditionId[];
  /** Trainings of each arm, from consecutive seeds. */
  readonly seeds: number;
  readonly recipe: Recipe;
  /** Pictures drawn while training (perfect prompts, no guidance), in `steps` sampling steps, every so many training steps. */
  readonly follow: { readonly images: number; readonly steps: number; readonly every: number };
  /** Scenes of the final comparison (single objects, and pairs whose combination is held out), sampling steps and guidance. */
  readonly drawn: { readonly singles: number; readonly pairs: number; readonly steps: number; readonly guidance: number };
  /** How many of them the report shows. */
  readonly shown: { readonly singles: number; readonly pairs: number };
}

/** What draws: one arm's network, several together, or the base model alone (no controls). */
export interface Drawing {
  readonly id: string;
  readonly label: string;
  readonly controls: readonly { readonly arm: string; readonly condition: ConditionId; readonly scale: number }[];
  /** Another base than the one the controls were trained on. */
  readonly base?: string;
  /** The conditions that its pictures are held against. */
  readonly panels: readonly ConditionId[];
}

/**
 * An experiment that compares trainings, as a declaration: which trainings, which drawings from them, which measures, which claims. The
 * runner computes it, from the store where others have computed parts of it before.
 */
export interface Experiment {
  readonly id: string;
  readonly title: string;
  /** For --help and the index: a sentence. */
  readonly description: string;
  /** By name; the first is the default. */
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly arms: readonly Arm[];
  readonly prompts: readonly PromptSettingId[];
  readonly measures: readonly Measure[];
  /** Default: for every condition the base model alone and each arm alone. */
  drawings?(arms: readonly Arm[], profile: Profile): readonly Drawing[];
  /** One sentence: what came out. */
  takeaway(view: View): string;
  /** A paragraph of prose. */
  summary(view: View): string;
  /** Written before the run; see DESIGN's truth rules for what gets a verdict. */
  claims(view: View): readonly Claim[];
  sections(view: View): readonly Section[] | Promise<readonly Section[]>;
  /** Id of the block whose first rows stand on the report's first screen. */
  lead(view: View): string;
}

/** Id of the drawing without control. */
export const BASE = 'base';

/** The drawings of an experiment that declares none. */
export const eachAlone = (arms: readonly Arm[], { conditions }: Profile): Drawing[] => [
  { id: BASE, label: 'base model, no control', controls: [], panels: conditions },
  ...conditions.flatMap((condition) =>
    arms.map(({ id, label }) => ({ id, label, controls: [{ arm: id, condition, scale: 1 }], panels: [condition] })),
  ),
];
