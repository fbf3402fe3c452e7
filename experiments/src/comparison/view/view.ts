import {
  meanInterval,
  pairedDifferenceInterval,
  type Claim,
  type ClaimResult,
  type Measurement,
  type PaperValue,
} from '@controllab/report';
import { CONDITIONS, type ConditionId } from '../conditions.ts';
import { firstOf, type EvaluationSet } from '../compute/drawing/evaluation-set.ts';
import { armsOf, BASE, groundName, type Arm, type Drawing, type Experiment, type LossScenes, type On } from '../experiment.ts';
import type { HeldOutLoss } from '../compute/judging/held-out-loss.ts';
import { applies, type Measure } from '../compute/judging/measures.ts';
import type { PromptSettingId } from '../prompts.ts';
import type { DrawnCell } from '../compute/drawing/draw-all.ts';
import type { LossPair } from '../compute/losses.ts';
import type { GroundResults, Results } from '../results.ts';
import type { TrainingValue } from '../compute/training/train.ts';

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Numbers of a quantity: for each training those of its pictures (or a single one). */
export type Samples = readonly (readonly number[])[];

/** A quantity's numbers combined picture by picture, such as a difference: pairs that share scene, prompt and noise stay together. */
export function combine(a: Samples, b: Samples, f: (a: number, b: number) => number): Samples {
  return a.map((values, seed) => values.map((value, i) => f(value, b[seed]![i]!)));
}

/** What a claim is, but for what was measured. */
export type ClaimText = Pick<Claim, 'id' | 'claim' | 'source' | 'test' | 'quantity' | 'rule' | 'primary'> & Pick<Claim, 'shownIn'>;

/** One value a scene: the mean over rows, which are timesteps. */
const overTimesteps = (rows: readonly (readonly number[])[]): number[] => rows[0]!.map((_, scene) => mean(rows.map((row) => row[scene]!)));

/** Asked of a run that has no such thing: of an arm whose training failed, or of what draws with it. */
export class NotComputed extends Error {
  override readonly name = 'NotComputed';
}

/** @throws NotComputed naming what there is none of */
function there<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new NotComputed(`this run has no ${what}`);
  return found;
}

/** All that was computed under one condition. */
export class Panel {
  readonly condition: ConditionId;
  readonly label: string;
  readonly #view: View;

  constructor(view: View, condition: ConditionId) {
    this.#view = view;
    this.condition = condition;
    this.label = CONDITIONS[condition].label;
  }

  /** A block's or section's id, told apart where there are several conditions. */
  id(name: string): string {
    return this.#view.panels.length === 1 ? name : `${this.condition}-${name}`;
  }

  /** A section's title, told apart likewise. */
  title(text: string): string {
    return this.#view.panels.length === 1 ? text : `${capitalised(this.label)}: ${text.toLowerCase()}`;
  }

  /** What is drawn and held against this condition, the base model first. */
  get drawings(): readonly Drawing[] {
    return this.#view.results.drawings.filter(({ panels }) => panels.includes(this.condition));
  }

  measure(id: string): Measure {
    return this.#view.measure(id);
  }

  trainings(arm: string): readonly TrainingValue[] {
    return there(this.#view.results.trainings[this.condition]![arm], `training of ${arm}`).map(({ value }) => value);
  }

  /** By seed. */
  cells(drawing: string, prompt: PromptSettingId): readonly DrawnCell[] {
    return there(this.#view.results.cells[this.condition]![drawing]?.[prompt], `drawing ${drawing} under ${prompt}`);
  }

  /** Whether a drawing was made under a prompt setting. */
  drawn(drawing: string, prompt: PromptSettingId): boolean {
    return this.#view.results.cells[this.condition]![drawing]?.[prompt] !== undefined;
  }

  samples(drawing: string, prompt: PromptSettingId, measure: string): Samples {
    return this.cells(drawing, prompt).map(({ measures }) => measures[measure]!.filter((value) => value !== null));
  }

  /**
   * An arm's loss on held-out scenes, one value a scene: the mean over timesteps, or that at the timestep with this index. `BASE` is the
   * base model alone. @throws TypeError where the profile takes none
   */
  heldOut(arm: string, prompt: keyof HeldOutLoss, timestep?: number): Samples {
    return there(this.#view.results.heldOut![this.condition]![arm], `held-out loss of ${arm}`).map((loss) => {
      const rows = timestep === undefined ? loss[prompt] : [loss[prompt][timestep]!];
      return overTimesteps(rows);
    });
  }

  /** The same of the base model alone, which nobody trained: its mean over these scenes, which is what it is. */
  baseLoss(prompt: keyof HeldOutLoss): Measurement {
    const [losses] = this.heldOut(BASE, prompt) as [readonly number[]];
    const value = mean(losses);
    return { value, interval: [value, value], n: losses.length, method: 'mean over scenes; nothing is trained', seeds: [] };
  }

  /** The same on other scenes; `base`: of the base model alone, on the scenes that each of the arm's trainings is looked at on. */
  lossOn(on: LossScenes, arm: string, prompt: keyof HeldOutLoss, of: keyof LossPair = 'control'): Samples {
    return there(this.#view.results.lossOn[on]![this.condition]![arm], `loss of ${arm} on scenes: ${on}`).map((pair) =>
      overTimesteps(pair[of][prompt]),
    );
  }

  /** A measure of all trainings' pictures together; `REAL` names the evaluated scenes. @throws TypeError where none was asked for */
  pooled(drawing: string, prompt: PromptSettingId, measure: string): { value: number; pictures: number } {
    const { pictures, measures } = there(
      this.#view.results.pooled[this.condition]![drawing]?.[prompt],
      `drawing ${drawing} under ${prompt}`,
    );
    return { value: measures[measure]![0]!, pictures };
  }

  /** How often raters are right about a pair of drawings: in one number a training, shown pictures one by one or side by side. */
  rated(pair: string, shown: 'single' | 'sideBySide'): Samples {
    return there(this.#view.results.rated[this.condition]![pair], `rated pair ${pair}`).map((test) => [test[shown].accuracy]);
  }

  /** Pictures of each drawing that a rater of a pair learns from, and is asked of as many others; null where the pair is not rated. */
  ratedPictures(pair: string): number | null {
    return this.#view.results.rated[this.condition]![pair]?.[0]?.perSet ?? null;
  }

  /** Standard deviation between the raters of each training. */
  raterSpread(pair: string, shown: 'single' | 'sideBySide'): Samples {
    return this.#view.results.rated[this.condition]![pair]!.map((test) => [test[shown].spread]);
  }

  /** The evaluated scenes themselves: the ceiling of a score, the floor of a distance. @param on the profile's by default */
  real(measure: string, on?: On): readonly number[] {
    return this.#view.ground(on).real[this.condition]![measure]!.filter((value) => value !== null);
  }

  /** What the base's autoencoder makes of them, in an experiment that asks for it. @throws TypeError in others */
  roundTrip(measure: string, on?: On): readonly number[] {
    return this.#view.ground(on).roundTrip![this.condition]![measure]!.filter((value) => value !== null);
  }

  /** Their mean, with an interval over trainings, or over the pictures of the only one. */
  measured(samples: Samples, range: Measure['range']): Measurement {
    return this.#view.measured(samples, range);
  }

  /** A drawing's measure under a prompt setting. */
  value(drawing: string, prompt: PromptSettingId, measure: string): Measurement {
    return this.measured(this.samples(drawing, prompt, measure), this.measure(measure).range);
  }
}

/** An experiment's numbers, by condition. */
export class View {
  readonly experiment: Experiment;
  readonly results: Results;
  readonly panels: readonly Panel[];

  constructor(experiment: Experiment, results: Results) {
    this.experiment = experiment;
    this.results = results;
    this.panels = results.profile.conditions.map((condition) => new Panel(this, condition));
  }

  get arms(): readonly Arm[] {
    return armsOf(this.experiment, this.results.profile);
  }

  /** An arm by its id. @throws NotComputed for one that this run does not have */
  arm(id: string): Arm {
    return there(
      this.arms.find((arm) => arm.id === id),
      `arm ${id}`,
    );
  }

  /** Ids of all arms that were to be trained: those whose training failed, too. */
  get meant(): readonly string[] {
    return [...this.arms.map(({ id }) => id), ...this.results.failed.map(({ arm }) => arm)];
  }

  get seeds(): readonly number[] {
    return this.results.seeds;
  }

  /** What an arm or a drawing is made on, with its scenes; what the profile says without one. */
  ground(on: On = {}): GroundResults {
    return this.results.grounds[groundName(this.results.profile, on)]!;
  }

  /** The scenes that a drawing shows, from the first seed. */
  scenes(drawing: Pick<Drawing, 'scenes' | 'base' | 'data'>): EvaluationSet {
    const [first] = this.ground(drawing).scenes as [EvaluationSet];
    return drawing.scenes === undefined ? first : firstOf(first, drawing.scenes);
  }

  /** "images" or "5 trainings": what intervals are over. */
  get over(): string {
    const all = this.#overOf(this.seeds.length);
    return this.arms.some(({ seeds = Infinity }) => seeds < this.seeds.length) ? `${all}, or as many as an arm has` : all;
  }

  #overOf(trainings: number): string {
    return trainings === 1 ? 'the pictures of one training' : `${trainings} trainings`;
  }

  measure(id: string): Measure {
    return this.experiment.measures.find((measure) => measure.id === id)!;
  }

  /** Whether a measure is defined for a condition. */
  applies(measure: string, { condition }: Pick<Panel, 'condition'>): boolean {
    return applies(this.measure(measure), condition);
  }

  /**
   * The mean of a quantity. Its unit is the training: the interval is over trainings where there are several, and images of several are
   * never mixed, since they are not independent. One training has an interval over its own images, and no verdict rests on it.
   * @param seeds of the trainings; the run's first ones by default
   */
  measured(samples: Samples, range: Measure['range'] = null, seeds = this.seeds.slice(0, samples.length)): Measurement {
    const perTraining = samples.map(mean);
    const of = samples.length === 1 ? samples[0]! : perTraining;
    return {
      ...meanInterval(of, { seed: this.seeds[0]!, over: this.#overOf(samples.length), ...(range === null ? {} : { range }) }),
      seeds,
      perTraining,
    };
  }

  /** a - b, paired by scene, prompt and noise. */
  difference(a: Samples, b: Samples, range: Measure['range'] = null): Measurement {
    const [lo, hi] = range ?? [];
    const span = lo === undefined || hi === undefined ? null : ([lo - hi, hi - lo] as const);
    if (a.length > 1)
      return {
        ...pairedDifferenceInterval(a.map(mean), b.map(mean), {
          seed: this.seeds[0]!,
          over: this.#overOf(a.length),
          ...(span === null ? {} : { range: span }),
        }),
        seeds: this.seeds.slice(0, a.length),
        perTraining: a.map((values, i) => mean(values) - mean(b[i]!)),
      };
    return this.measured(
      combine(a, b, (x, y) => x - y),
      span,
    );
  }

  /** Whether what was thrown asked for an arm whose training failed: in a run without one it is a mistake of the declaration. */
  isWithout(error: unknown): boolean {
    return error instanceof NotComputed && this.results.failed.length > 0;
  }

  #ofThose(measured: () => Measurement | null): Measurement | null {
    try {
      return measured();
    } catch (error) {
      if (this.isWithout(error)) return null;
      throw error;
    }
  }

  /**
   * A claim on trained networks: one result a condition, which is not measured where it compares with an arm whose training failed: it is
   * a member of what is corrected for all the same. @param panels those that it is defined for, all by default */
  claim(
    text: ClaimText,
    measured: (panel: Panel) => Measurement | null,
    paper: PaperValue | null = null,
    panels: readonly Panel[] = this.panels,
  ): Claim {
    const results = panels.map((panel): ClaimResult => ({
      label: panel.label,
      measured: this.#ofThose(() => measured(panel)),
      paper,
    }));
    return { ...text, basis: 'trainings', results };
  }

  /** A fact that needs no training: it stands once, and is judged exactly. */
  fact(text: Omit<ClaimText, 'primary'>, value: number, n: number, paper: PaperValue | null = null): Claim {
    const measured: Measurement = { value, interval: [value, value], n, method: 'every output value compared', seeds: [] };
    return { ...text, primary: false, basis: 'fact', results: [{ label: null, measured, paper }] };
  }
}
