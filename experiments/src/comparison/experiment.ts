import type { Weighting } from '@controllab/base-model';
import type { Method } from '@controllab/core-blocks';
import type { SolverName } from '@controllab/diffusion';
import type { CodeModel } from '@controllab/mini-sd';
import type { Claim, Section } from '@controllab/report';
import { examplesOfStep, type Recipe } from '@controllab/training';
import type { ConditionId } from './conditions.ts';
import type { FollowedId, Measure } from './compute/judging/measures.ts';
import type { DataId } from './data/open-data.ts';
import type { PromptSettingId } from './prompts.ts';
import type { View } from './view/view.ts';

/** What an arm or a drawing is made on, where it is not what its profile says. */
export interface On {
  /** A base; its scenes are in that base's style. */
  readonly base?: string;
  /** What is trained on and drawn for. */
  readonly data?: DataId;
}

/** One way of training that is compared with others. */
export interface Arm extends On {
  /** a-z, 0-9 and "-". */
  readonly id: string;
  readonly label: string;
  /** What distinguishes it, for the report: a phrase. */
  readonly description: string;
  /** A way to control a base's U-Net, or a model of its own. */
  readonly method: Method | CodeModel;
  /** Where its recipe differs from the profile's: values, or what to make of the profile's. */
  readonly recipe?: Partial<Recipe> | ((profile: Recipe) => Partial<Recipe>);
  /** It is trained from the profile's first so many seeds alone; default all of them. */
  readonly seeds?: number;
  /** It is trained from seeds so much further, and drawn from with the noise and scenes of the profile's: a second training of a method. */
  readonly seedShift?: number;
  /** Share of its training scenes whose condition is another scene's; default 0. */
  readonly wrongConditions?: number;
  /** What it is trained on in place of each of the profile's conditions: one network for two of them, say. */
  readonly condition?: ConditionId;
  /** Training goes on from this arm's, from the same seed: with its weights, and with the batches behind its. */
  readonly from?: Arm;
}

/** Single objects, and pairs. */
export interface SceneCounts {
  readonly singles: number;
  readonly pairs: number;
}

/** On how many scenes a loss is taken, each at all of these timesteps. */
export interface LossSize {
  readonly scenes: number;
  readonly timesteps: readonly number[];
}

/**
 * Scenes that a loss is taken on beside those that are held out: some that the training saw, and such that no training sees, of objects or
 * of combinations of objects that are held out.
 */
export const LOSS_SCENES = ['trained', 'unseen-object', 'unseen-combination'] as const;
export type LossScenes = (typeof LOSS_SCENES)[number];

/** How much is trained and drawn. */
export interface Profile {
  /** `mini`, or a checkpoint. */
  readonly base: string;
  /** What is trained on and drawn for; default emoji scenes. */
  readonly data?: DataId;
  /** Ids of the arms that are trained; default all of the experiment's. */
  readonly arms?: readonly string[];
  /** What the networks are conditioned on, one after the other. */
  readonly conditions: readonly ConditionId[];
  /** Trainings of each arm, from consecutive seeds. */
  readonly seeds: number;
  readonly recipe: Recipe;
  /**
   * Pictures drawn while training (perfect prompts, no guidance), in `steps` sampling steps, every so many training steps; with `loss` that
   * on held-out scenes too, and with `signals` what goes on inside the control, on the same scenes. With `copies` as many pictures
   * are drawn from training conditions without a prompt, and held against all training pictures that the training sees. The followed
   * pictures are measured by `measures` beside fidelity.
   */
  readonly follow: {
    readonly images: number;
    readonly steps: number;
    readonly every: number;
    readonly loss?: LossSize & { readonly signals?: true };
    readonly copies?: true;
    readonly measures?: readonly FollowedId[];
  };
  /**
   * Scenes of the final comparison (single objects, and pairs whose combination is held out), sampling steps and guidance. `ownScenes`:
   * every seed has as many scenes of its own, so that what is found over seeds is found over scenes too.
   */
  readonly drawn: SceneCounts & {
    readonly steps: number;
    readonly guidance: number;
    /** Default ddim. */
    readonly solver?: SolverName;
    readonly ownScenes?: boolean;
  };
  /** The loss after training, without a prompt and with a perfect one. */
  readonly heldOut?: LossSize & { readonly alsoOn?: readonly LossScenes[] };
  /** How many of them the report shows. */
  readonly shown: SceneCounts;
}

/** A trained network at work in a drawing. */
export interface DrawnControl {
  readonly arm: string;
  readonly condition: ConditionId;
  readonly scale: number;
  /** Another method that takes the same weights: a network that is drawn from otherwise than it was trained. */
  readonly as?: Method;
  /** It sees a black picture in place of its condition. */
  readonly silent?: boolean;
}

/** What draws: one arm's network, several together, or the base model alone (no controls). */
export interface Drawing extends On {
  readonly id: string;
  readonly label: string;
  readonly controls: readonly DrawnControl[];
  /**
   * How what a control trained of its own base comes to another one: the trained `weights` in place of its own (default), or what training
   * changed, added to its own (`increments`).
   */
  readonly carried?: 'weights' | 'increments';
  /** Default the profile's. */
  readonly guidance?: number;
  /** The conditions that its pictures are held against. */
  readonly panels: readonly ConditionId[];
  /** Whether control enters both halves of guidance (default), or that with the prompt alone (ControlNet, section 3.4). */
  readonly controlIn?: 'both' | 'conditional';
  /** How connections are weighed against each other; default `equal`. */
  readonly weighting?: Weighting;
  /** The prompt settings that it is drawn under; default all of the experiment's. */
  readonly prompts?: readonly PromptSettingId[];
  /** For the first so many of the profile's scenes alone; default all. */
  readonly scenes?: SceneCounts;
}

/** Two drawings of the same scenes, whose pictures raters are taught to tell apart one by one and side by side. */
export interface RatedPair {
  readonly id: string;
  readonly label: string;
  /** Ids of the drawings; `REAL` for the scenes themselves, `ROUND_TRIP` for what the base's autoencoder makes of them. */
  readonly of: readonly [string, string];
  readonly prompt: PromptSettingId;
}

/** What is known of an experiment's scatter beforehand: with the number of trainings it says what the run can see. */
export interface Expected {
  /** Primary results that Holm's correction is over. */
  readonly results: number;
  /** What is compared, and the standard deviation over seeds of its paired difference, from earlier runs. */
  readonly differences: readonly { readonly quantity: string; readonly scatter: number }[];
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
  /** Whether `--conditions` may take one condition of emoji scenes in place of the profile's, or several; default none. */
  readonly conditions?: 'one' | 'several';
  readonly prompts: readonly PromptSettingId[];
  readonly measures: readonly Measure[];
  /** Those that are taken once more of the pictures of all trainings together: distances of sets, which fall with their size. */
  readonly pooled?: readonly Measure[];
  /** Default: for every condition the base model alone and each arm alone. */
  drawings?(arms: readonly Arm[], profile: Profile): readonly Drawing[];
  /** Default none. */
  rated?(arms: readonly Arm[], profile: Profile): readonly RatedPair[];
  /** Whether multiply-accumulates of a training step are counted, arm by arm; default not. */
  readonly costs?: boolean;
  /** Whether the evaluated scenes as the base's autoencoder gives them back are measured: the ceiling of what is drawn. Default not. */
  readonly roundTrip?: boolean;
  /** Ids of the arms of which is measured how far they move the base model's prediction before their first step; default none. */
  readonly untrained?: readonly string[];
  /** Said before a run. */
  readonly expected?: Expected;
  /** One sentence: what came out. */
  takeaway(view: View): string;
  /** A paragraph of prose. */
  summary(view: View): string;
  /** Written before the run; what gets a verdict: docs/architecture.md, Truth. */
  claims(view: View): readonly Claim[];
  sections(view: View): readonly Section[] | Promise<readonly Section[]>;
  /** Id of the block of pictures whose first rows stand on the report's first screen, where there is one. */
  lead?(view: View): string;
}

/**
 * Tells an arm that a profile leaves out from one that there is not.
 * @param where what names them, for the message
 * @throws RangeError for ids that are none of an experiment's arms
 */
export function checkArms(ids: readonly string[], { arms }: Pick<Experiment, 'arms'>, where: string): void {
  const unknown = ids.filter((id) => !arms.some((arm) => arm.id === id));
  if (unknown.length > 0)
    throw new RangeError(`${where}: no arms: ${unknown.join(', ')}; there are ${arms.map(({ id }) => id).join(', ')}`);
}

/** The arms that a profile trains, in the experiment's order. @throws RangeError for an id that is none of its arms */
export function armsOf({ arms }: Pick<Experiment, 'arms'>, { arms: ids }: Pick<Profile, 'arms'>): readonly Arm[] {
  checkArms(ids ?? [], { arms }, 'profile');
  return arms.filter(({ id }) => ids?.includes(id) ?? true);
}

/** The seeds that an arm is trained from, of those of a run. */
export const seedsOfArm = ({ seeds }: Pick<Arm, 'seeds'>, all: readonly number[]): readonly number[] => all.slice(0, seeds);

/** The seed that an arm's training is from, whose pictures have the noise of a seed of the run. */
export const trainedFrom = ({ seedShift = 0 }: Pick<Arm, 'seedShift'>, seed: number): number => seed + seedShift;

/** Trainings of a profile. */
export const trainingCount = (experiment: Pick<Experiment, 'arms'>, profile: Pick<Profile, 'arms' | 'conditions' | 'seeds'>): number =>
  armsOf(experiment, profile).reduce(
    (sum, { seeds = Infinity, condition }) =>
      sum + (condition === undefined ? profile.conditions.length : 1) * Math.min(seeds, profile.seeds),
    0,
  );

/** The recipe that an arm is trained by. */
export const recipeOf = ({ recipe }: Pick<Profile, 'recipe'>, arm: Pick<Arm, 'recipe'>): Recipe => ({
  ...recipe,
  ...(typeof arm.recipe === 'function' ? arm.recipe(recipe) : arm.recipe),
});

/** Examples that an arm's training sees, those of trainings that it goes on from aside. */
export function samplesOf(profile: Pick<Profile, 'recipe'>, arm: Pick<Arm, 'recipe'>): number {
  const recipe = recipeOf(profile, arm);
  return examplesOfStep(recipe) * recipe.steps;
}

export const isCodeModel = (method: Method | CodeModel): method is CodeModel => 'kind' in method;

/** An arm's way to control a U-Net. @throws RangeError for an arm that is a model of its own */
export function methodOf({ id, method }: Pick<Arm, 'id' | 'method'>): Method {
  if (isCodeModel(method)) throw new RangeError(`arm ${id} is a model of its own: it controls no U-Net, and has no loss of denoising`);
  return method;
}

/** Steps that the trainings took which an arm's goes on from. */
export const stepsBefore = (profile: Profile, { from }: Arm): number =>
  from === undefined ? 0 : stepsBefore(profile, from) + recipeOf(profile, from).steps;

/** An arm's recipe with the steps of the trainings that it goes on from: what tells all scenes that were seen. */
export const untilNow = (profile: Profile, arm: Arm): Recipe => {
  const recipe = recipeOf(profile, arm);
  return { ...recipe, steps: stepsBefore(profile, arm) + recipe.steps };
};

/** What is trained on where neither profile nor arm says. */
const DEFAULT_DATA: DataId = 'emoji-scenes';

/** What an arm or a drawing is made on, whether it or its profile says so. */
export const groundOf = (profile: Pick<Profile, 'base' | 'data'>, { base, data }: On): Required<On> => ({
  base: base ?? profile.base,
  data: data ?? profile.data ?? DEFAULT_DATA,
});

/** Names a base with what is trained on it: the base alone where that is the profile's. */
export function groundName(profile: Pick<Profile, 'base' | 'data'>, on: On): string {
  const { base, data } = groundOf(profile, on);
  return data === groundOf(profile, {}).data ? base : `${base}, ${data}`;
}

/** Id of the drawing without control. */
export const BASE = 'base';

/** The base model alone, as tables and drawings name it. */
export const BASE_ALONE = { id: BASE, label: 'base model, no control' } as const;

/** Whose colour a drawing has: that of the arm that alone makes it, else its own. */
export const shownAs = ({ id, controls }: Pick<Drawing, 'id' | 'controls'>): string => (controls.length === 1 ? controls[0]!.arm : id);

/** The drawings of an experiment that declares none. */
export const eachAlone = (arms: readonly Arm[], { conditions }: Profile): Drawing[] => [
  { ...BASE_ALONE, controls: [], panels: conditions },
  ...conditions.flatMap((condition) =>
    arms.map(({ id, label }) => ({ id, label, controls: [{ arm: id, condition, scale: 1 }], panels: [condition] })),
  ),
];

/**
 * What a profile draws, of the arms that it trains: what another one makes, or several of which one is not trained, is left out.
 * @throws RangeError for a drawing of an arm that there is not, and one that asks of a model of its own what is a control's
 */
export function drawingsOf(experiment: Experiment, profile: Profile): readonly Drawing[] {
  const trained = armsOf(experiment, profile);
  const declared = (experiment.drawings ?? eachAlone)(trained, profile);
  for (const { id, controls } of declared)
    checkArms(
      controls.map(({ arm }) => arm),
      experiment,
      `drawing ${id}`,
    );
  const drawings = declared.filter(({ controls }) => controls.every(({ arm }) => trained.some(({ id }) => id === arm)));
  for (const drawing of drawings) checkDrawing(drawing, experiment.arms);
  return drawings;
}

function checkDrawing(drawing: Drawing, arms: readonly Arm[]): void {
  const { id, controls, base, data, carried, guidance, controlIn, weighting } = drawing;
  const model = controls.find(({ arm }) => arms.some((one) => one.id === arm && isCodeModel(one.method)));
  if (model === undefined) return;
  const scale = model.scale === 1 ? undefined : model.scale;
  const asked = Object.entries({ base, data, carried, guidance, controlIn, weighting, as: model.as, scale });
  const unknown = asked.flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (controls.length > 1 || unknown.length > 0)
    throw new RangeError(
      `drawing ${id}: arm ${model.arm} is a model of its own, which draws alone${unknown.length === 0 ? '' : `, without ${unknown.join(', ')}`}`,
    );
}

/** Scenes that {@link promptedAndUnprompted} draws under all prompt settings; without a prompt all single ones are. */
export const SETTINGS: SceneCounts = { singles: 24, pairs: 12 };

/**
 * Under the four prompt settings control enters both halves of guidance, as in figure 8's pictures. Without a prompt that cancels guidance
 * (section 3.4): those pictures are drawn again with control in the conditional half alone, plain and with the paper's resolution weights.
 */
export const promptedAndUnprompted = (trained: readonly Arm[], { conditions, drawn: { singles } }: Profile): Drawing[] => [
  { ...BASE_ALONE, controls: [], panels: conditions, scenes: SETTINGS },
  ...conditions.flatMap((condition) =>
    trained.flatMap(({ id, label }): Drawing[] => {
      const alone = { controls: [{ arm: id, condition, scale: 1 }], panels: [condition] };
      const unprompted = { ...alone, controlIn: 'conditional', prompts: ['none'], scenes: { singles, pairs: 0 } } as const;
      return [
        { id, label, ...alone, scenes: SETTINGS },
        { id: `${id}-conditional`, label: `${label}, conditional half`, ...unprompted },
        { id: `${id}-weighted`, label: `${label}, resolution-weighted`, ...unprompted, weighting: 'resolution' },
      ];
    }),
  ),
];
