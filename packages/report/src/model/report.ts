import type { RgbImage } from '@controllab/data';
import type { Estimate } from '../statistics/interval.ts';
import type { VerdictRule } from '../statistics/verdict.ts';

/**
 * The document model: what an experiment hands to writeReport. All text is plain (escaped when rendered); fields marked "prose" also know
 * `code`, **strong** and [links](https://...), and a blank line starts a new paragraph. Ids are file names: a-z, 0-9 and "-".
 */
export interface Report {
  readonly id: string;
  readonly title: string;
  /** What came out, in one sentence of prose: the first thing that a reader reads. */
  readonly takeaway: string;
  /** Id of the image-grid or film-strip block whose first rows stand under it on the first screen. */
  readonly lead?: string;
  /** Of a run that is not over: seconds after which the page loads itself anew. */
  readonly reloadSeconds?: number;
  /** One paragraph of prose: what was done and what came out. */
  readonly summary: string;
  /** What is compared, in the order of their colours: one colour, dash and symbol an arm, in all figures and tables that name it. */
  readonly arms?: readonly Arm[];
  readonly claims: readonly Claim[];
  readonly sections: readonly Section[];
  readonly provenance: Provenance;
  readonly attribution: readonly Attribution[];
}

/** One of the things that are compared. */
export interface Arm {
  readonly id: string;
  readonly label: string;
}

/** A measured number. `provenance` names what differs from the report's own, such as the weights of one variant. */
export interface Measurement extends Estimate {
  /** The seeds behind the samples, ascending. None behind a count, whose interval is the number itself. */
  readonly seeds: readonly number[];
  /**
   * One number a training, in the order of `seeds` (or one a timing round); their mean is `value`. Verdicts on trainings are computed from
   * these.
   */
  readonly perTraining?: readonly number[];
  readonly provenance?: Partial<Provenance>;
}

/** A number that the paper prints. `value` only where it is the same quantity as the measured one: it is then drawn on the same axis. */
export interface PaperValue {
  readonly text: string;
  readonly value?: number;
  /** Where it stands: paper, table or section. */
  readonly source: string;
}

/** A claim of a paper and the test it was put to. */
export interface Claim {
  readonly id: string;
  /** What the paper says, in our words. */
  readonly claim: string;
  readonly source: string;
  /** How it was tested here, one or two sentences of prose. */
  readonly test: string;
  /** The measured quantity, such as "canny F1, zero minus Gaussian". */
  readonly quantity: string;
  /** Fixed before the run; its bounds are the least effects of interest. */
  readonly rule: VerdictRule;
  /**
   * What the numbers rest on. A `fact` needs no training and is judged exactly; `trainings`: the unit is the training, and fewer than five
   * are not judged; `rounds`: repeated timings, judged by their interval.
   */
  readonly basis: 'fact' | 'trainings' | 'rounds';
  /** Written down before the run and corrected for their number (Holm); everything else is exploratory, and says so. */
  readonly primary: boolean;
  /** One a control, or a single one with label null where the claim does not depend on it. */
  readonly results: readonly ClaimResult[];
  /** Id of the figure, table or pictures that show it: the claim links there, and to its CSV. */
  readonly shownIn?: string;
}

/** A claim's quantity under one control. */
export interface ClaimResult {
  readonly label: string | null;
  /** null: not measured. */
  readonly measured: Measurement | null;
  /** null: the paper gives no number. */
  readonly paper: PaperValue | null;
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block = Prose | Note | Table | LineFigure | BarFigure | ImageGrid | FilmStrip | PairStudy;

export interface Prose {
  readonly kind: 'prose';
  readonly text: string;
}

/** A remark the reader must not miss, such as what the quick profile cannot show (prose). */
export interface Note {
  readonly kind: 'note';
  readonly text: string;
}

/** text, an exact number (a count, a setting), a measured number, a number of the paper, or null: not measured. */
export type Cell = string | number | Measurement | PaperValue | null;

export interface Table {
  readonly kind: 'table';
  readonly id: string;
  readonly caption: string;
  /** Header of the first column, which names the rows. */
  readonly rowHeader: string;
  readonly columns: readonly Column[];
  readonly rows: readonly TableRow[];
  /** Of a table of data, such as the scores of every image: rows that the page shows. All are in its CSV and in results.json. */
  readonly shown?: number;
}

export interface Column {
  readonly label: string;
  /** Columns with the same group stand under one header, such as "measured" and "paper" under a metric. */
  readonly group?: string;
  readonly unit?: string;
  /**
   * Marks the best measured value of the column and those not shown to be worse: by their difference paired by training where both have
   * `perTraining` of the same seeds, else by whether their intervals overlap.
   */
  readonly better?: 'higher' | 'lower';
  /** Decimals of its numbers; by default two significant digits of the widest interval, and all that an exact number has (at most 6). */
  readonly decimals?: number;
}

export interface TableRow {
  readonly label: string;
  /** Id of the arm whose row it is. */
  readonly arm?: string;
  /** One cell per column. */
  readonly cells: readonly Cell[];
}

export interface Axis {
  readonly label: string;
  readonly scale?: 'linear' | 'log';
}

/** A horizontal line, such as the paper's value or the ceiling on real images. */
export interface ReferenceLine {
  readonly label: string;
  readonly y: number;
}

/** Curves over steps or sizes, each with an optional band. */
export interface LineFigure {
  readonly kind: 'line';
  readonly id: string;
  readonly caption: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly LineSeries[];
  readonly references?: readonly ReferenceLine[];
}

export interface LineSeries {
  readonly label: string;
  /**
   * Label of the series that this is a model of, which is drawn as points alone; this is a curve in the same colour, without points or an
   * entry in the legend.
   */
  readonly curveOf?: string;
  /** Id of the arm that it shows. */
  readonly arm?: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** The interval at every point, [lo, hi]. */
  readonly band?: readonly (readonly [lo: number, hi: number])[];
  /** Samples behind every point. */
  readonly n: number;
  readonly seeds: readonly number[];
}

/** Grouped bars with error bars; null is shown as not measured. */
export interface BarFigure {
  readonly kind: 'bar';
  readonly id: string;
  readonly caption: string;
  readonly categories: readonly string[];
  readonly y: Axis;
  readonly series: readonly BarSeries[];
  readonly references?: readonly ReferenceLine[];
}

export interface BarSeries {
  readonly label: string;
  /** Id of the arm that it shows. */
  readonly arm?: string;
  /** One a category. */
  readonly values: readonly (Measurement | null)[];
}

/** Images in rows and columns, all of one size within a row; null is shown as an empty place. */
export interface ImageGrid {
  readonly kind: 'image-grid';
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly GridColumn[];
  readonly rows: readonly GridRow[];
}

/**
 * A column's header; neighbours of the same group share a header above theirs, such as an arm over its prompts. `detail` stands under it,
 * such as a prompt that all its pictures were drawn from; `arm` gives the group (or the column alone) the arm's mark.
 */
export type GridColumn = string | { readonly label: string; readonly group?: string; readonly detail?: string; readonly arm?: string };

export interface GridRow {
  readonly label: string;
  /** A second line under the label, such as the prompt. */
  readonly detail?: string;
  /** Id of the arm whose row it is. */
  readonly arm?: string;
  /** One a column. */
  readonly images: readonly (GridImage | null)[];
}

/** One condition over training: a row an arm, a column a training step. */
export interface FilmStrip {
  readonly kind: 'film-strip';
  readonly id: string;
  readonly caption: string;
  /** What all pictures were drawn from; stands once, before the strip. Its `detail`, such as the prompt, stands under it. */
  readonly condition: GridImage;
  readonly steps: readonly number[];
  /** `images`: one a step. */
  readonly rows: readonly GridRow[];
}

/**
 * A page of its own, ID.html beside the report, on which a person is taught with labelled pairs of pictures to tell two models apart, and
 * is then asked about others. What is answered stays on the page unless the person saves it.
 */
export interface PairStudy {
  readonly kind: 'pair-study';
  readonly id: string;
  /** Whose pictures they are, and what each pair has in common (prose): over the link, and on the page. */
  readonly caption: string;
  /** Names of the two models, in the order of each pair's pictures. */
  readonly models: readonly [string, string];
  /** At least two, all pictures of one size. */
  readonly pairs: readonly StudyPair[];
  /** What others reached: beside a person's own result. */
  readonly beside: readonly { readonly label: string; readonly text: string }[];
}

/** A picture of each model. What is to be seen on them is said without naming either (`alt`). */
export interface StudyPair {
  readonly images: readonly [GridImage, GridImage];
}

export interface GridImage extends RgbImage {
  /** What is to be seen, for readers who cannot see it. */
  readonly alt: string;
  /** A short line under the image, such as its score. */
  readonly caption?: string;
  /** What it was drawn from, such as its prompt: under the picture, or once where a whole column shares it. */
  readonly detail?: string;
}

/** Where the numbers come from. null: not recorded. Everything here may differ between identical runs; nothing outside it does. */
export interface Provenance {
  readonly commit: string | null;
  readonly profile: string;
  readonly configHash: string | null;
  readonly weightsHash: string | null;
  readonly datasetHash: string | null;
  readonly engine: string;
  readonly machine: string;
  /** Of a run that computed all that it shows, in one piece. */
  readonly wallSeconds: number | null;
  /** ISO 8601. */
  readonly finishedAt: string | null;
  /** The command that regenerates the report. */
  readonly command: string;
  /** Training by training: where each was computed. */
  readonly trainings?: readonly TrainingProvenance[];
  /** The networks behind the numbers, as they really ran. */
  readonly networks?: readonly NetworkProvenance[];
}

export interface NetworkProvenance {
  readonly name: string;
  /** Of its weights; null: those that `weightsHash` tells of. */
  readonly hash: string | null;
  /** Engine and provider that it really ran on. */
  readonly engine: string;
}

/** Where one training was computed. */
export interface TrainingProvenance {
  readonly id: string;
  readonly seed: number;
  /** Short hash of what identifies it: its name in the store. */
  readonly identity: string;
  readonly commit: string | null;
  readonly processor: string;
  /** Widest vector instructions of the processor, such as "avx512f". */
  readonly instructionSet: string;
  /** Engine and provider that it really ran on. */
  readonly engine: string;
  readonly threads: number;
  /** null: computed in pieces. */
  readonly seconds: number | null;
  readonly finishedAt: string;
  /** Finished before this run began, which took it from the store; left out where that is not known. */
  readonly cached?: boolean;
}

/** Whose work is shown, under which licence. */
export interface Attribution {
  readonly work: string;
  readonly author: string;
  readonly license: string;
  readonly url?: string;
  /** What the licence asks of those who reuse the images, in words. */
  readonly note?: string;
}
