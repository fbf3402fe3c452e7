import type { RgbImage } from '@controllab/data';
import { currentCommit, literal, machine, type Block, type FilmStrip, type LineFigure, type Report } from '@controllab/report';
import type { LogLine } from '@controllab/training';
import { DRAWN_UNDER, readPicture, type Validated } from '../validation.ts';

/** What the page of a training is made from, beside its log. */
export interface PageSetting {
  readonly title: string;
  readonly totalSteps: number;
  readonly samplesPerStep: number;
  readonly seed: number;
  readonly pictures: readonly Validated[];
  /** What they are drawn under, see `drawnUnder`. */
  readonly drawnUnder: string;
  /** The folder of what was drawn. */
  readonly validation: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly command: string;
  readonly engine: string;
  readonly weightsHash: string;
  readonly datasetHash: string;
}

/** Seconds after which the page of a run loads itself anew. */
const RELOAD = 10;
/** Points of a curve: each is the mean of as many steps as it takes. */
const POINTS = 200;
/** Columns of a film strip: the first, the last and some between. */
const COLUMNS = 10;

type Step = Extract<LogLine, { loss: number }>;
type Drawn = Extract<LogLine, { evaluation: unknown }>;

/** The evaluations that drew these pictures: those of before a resume may have drawn others. */
export const drawnLines = ({ drawnUnder }: Pick<PageSetting, 'drawnUnder'>, lines: readonly LogLine[]): Drawn[] =>
  lines.filter((line): line is Drawn => 'evaluation' in line && line.evaluation[DRAWN_UNDER] === drawnUnder);

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Means of so many steps, with the last step of each. */
export function lossCurve(steps: readonly { step: number; loss: number }[]): { x: number[]; y: number[]; width: number } {
  const width = Math.max(1, Math.ceil(steps.length / POINTS));
  const parts = Array.from({ length: Math.ceil(steps.length / width) }, (_, i) => steps.slice(i * width, (i + 1) * width));
  return { x: parts.map((part) => part.at(-1)!.step), y: parts.map((part) => mean(part.map(({ loss }) => loss))), width };
}

const lossFigure = (steps: readonly Step[], { samplesPerStep, seed }: PageSetting): LineFigure => {
  const { x, y, width } = lossCurve(steps);
  return {
    kind: 'line',
    id: 'loss',
    caption: `Training loss, mean of ${width === 1 ? 'one step' : `${width} steps`} a point.`,
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: [{ label: 'loss', x, y, n: width * samplesPerStep, seeds: [seed] }],
  };
};

/** A column of the evaluations' numbers. */
const measureFigure = (name: string, drawn: readonly Drawn[], { pictures, seed }: PageSetting): LineFigure => ({
  kind: 'line',
  id: 'measure',
  caption: `${name} of the drawn pictures, mean of ${pictures.length}.`,
  x: { label: 'training step' },
  y: { label: name },
  series: [
    {
      label: name,
      x: drawn.map(({ step }) => step),
      y: drawn.map(({ evaluation }) => evaluation[name] as number),
      n: pictures.length,
      seeds: [seed],
    },
  ],
});

/** Steps spread over the run, first and last among them. */
export function shownSteps(steps: readonly number[], count = COLUMNS): number[] {
  if (steps.length <= count) return [...steps];
  return Array.from({ length: count }, (_, i) => steps[Math.round((i * (steps.length - 1)) / (count - 1))]!);
}

async function strip(picture: number, steps: readonly number[], setting: PageSetting): Promise<FilmStrip> {
  const { prompt, condition } = setting.pictures[picture]!;
  const images: (RgbImage | null)[] = [];
  for (const step of steps) images.push(await readPicture(setting.validation, step, picture));
  return {
    kind: 'film-strip',
    id: `drawn-${picture + 1}`,
    caption: `Drawn under ${prompt === '' ? 'the empty prompt' : `"${literal(prompt)}"`} while training.`,
    condition: { ...condition, alt: 'the condition', ...(prompt === '' ? {} : { detail: prompt }) },
    steps,
    rows: [
      {
        label: 'drawn',
        images: images.map((image, i) => (image === null ? null : { ...image, alt: `drawn after step ${steps[i]}` })),
      },
    ],
  };
}

async function sectionsOf(setting: PageSetting, steps: readonly Step[], drawn: readonly Drawn[]): Promise<Report['sections']> {
  const shown = shownSteps(drawn.map(({ step }) => step));
  const strips: Block[] = [];
  if (shown.length > 0) for (const i of setting.pictures.keys()) strips.push(await strip(i, shown, setting));
  const [measure] = Object.entries(drawn[0]?.evaluation ?? {}).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []));
  const facts: Block = {
    kind: 'table',
    id: 'recipe-values',
    caption: 'How it is trained.',
    rowHeader: 'what',
    columns: [{ label: 'value' }],
    rows: Object.entries(setting.facts).map(([label, value]) => ({ label, cells: [value] })),
  };
  return [
    ...(steps.length === 0 ? [] : [{ id: 'curve', title: 'Loss', blocks: [lossFigure(steps, setting)] }]),
    ...(strips.length === 0
      ? []
      : [
          {
            id: 'pictures',
            title: 'Pictures',
            blocks: [...(measure === undefined ? [] : [measureFigure(measure, drawn, setting)]), ...strips],
          },
        ]),
    { id: 'recipe', title: 'Recipe', blocks: [facts] },
  ];
}

/** How fast the last steps were, and what is left. */
function pace(steps: readonly Step[], totalSteps: number): string {
  const recent = steps.slice(-20);
  const last = steps.at(-1);
  if (last === undefined) return 'Not one step is done yet.';
  const loss = mean(recent.map((line) => line.loss)).toPrecision(4);
  const speed = mean(recent.map((line) => line.samples_per_second)).toPrecision(3);
  const wait = (100 * mean(recent.map((line) => line.wait_share))).toFixed(1);
  return `Step ${last.step} of ${totalSteps}: loss ${loss}, ${speed} samples/s, waiting for data ${wait}% of the time.`;
}

/** The page of a training as far as it has come. */
export async function pageOf(setting: PageSetting, lines: readonly LogLine[], state: 'running' | 'finished'): Promise<Report> {
  const steps = lines.filter((line): line is Step => 'loss' in line);
  const drawn = drawnLines(setting, lines);
  const sections = await sectionsOf(setting, steps, drawn);
  const isDrawn = sections.some(({ id }) => id === 'pictures');
  return {
    id: 'train',
    title: setting.title,
    takeaway: state === 'finished' ? `Trained: ${setting.totalSteps} steps.` : pace(steps, setting.totalSteps),
    ...(isDrawn ? { lead: 'drawn-1' } : {}),
    ...(state === 'running' ? { reloadSeconds: RELOAD } : {}),
    summary: state === 'finished' ? pace(steps, setting.totalSteps) : 'This page loads itself anew while the training runs.',
    claims: [],
    sections,
    provenance: {
      commit: currentCommit(),
      profile: 'train',
      configHash: null,
      weightsHash: setting.weightsHash,
      datasetHash: setting.datasetHash,
      engine: setting.engine,
      machine: machine(),
      wallSeconds: null,
      finishedAt: state === 'finished' ? (lines.at(-1)?.time ?? null) : null,
      command: setting.command,
    },
    attribution: [],
  };
}
