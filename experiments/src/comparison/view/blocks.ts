import sharp from 'sharp';
import {
  meanInterval,
  type BarFigure,
  type FilmStrip,
  type GridImage,
  type ImageGrid,
  type LineFigure,
  type Table,
} from '@controllab/report';
import { changePoints, plateauEvidence, type ChangePoints } from './change-points.ts';
import { examplesOfStep } from '@controllab/training';
import { BASE, BASE_ALONE, recipeOf, shownAs, stepsBefore, type Arm, type Drawing } from '../experiment.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from '../prompts.ts';
import type { EvaluationSet } from '../compute/evaluation-set.ts';
import { LOSS_PROMPTS, type HeldOutLoss } from '../compute/held-out-loss.ts';
import { capitalised, mean, type Panel, type View } from './view.ts';

const f2 = (x: number): string => x.toFixed(2);

/** Models x prompt settings: one measure, with intervals. */
export function promptTable(view: View, panel: Panel, measure: string, remark = ''): Table {
  const { better, label, method } = view.measure(measure);
  return {
    kind: 'table',
    id: panel.id(measure),
    caption: `${capitalised(label(panel.condition))}. ${method(panel.condition)}${remark === '' ? '' : ` ${remark}`}`,
    rowHeader: 'Model',
    columns: view.experiment.prompts.map((prompt) => ({ label: PROMPT_SETTINGS[prompt].label, better })),
    rows: panel.drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      cells: view.experiment.prompts.map((prompt) => (panel.drawn(drawing.id, prompt) ? panel.value(drawing.id, prompt, measure) : null)),
    })),
  };
}

/** The drawings that were made under a prompt setting. */
const drawnUnder = (panel: Panel, prompt: PromptSettingId) => panel.drawings.filter(({ id }) => panel.drawn(id, prompt));

/** Models x measures, under one prompt setting. */
export function measureTable(
  view: View,
  panel: Panel,
  id: string,
  measures: readonly string[],
  prompt: PromptSettingId,
  drawings = drawnUnder(panel, prompt),
): Table {
  return {
    kind: 'table',
    id: panel.id(id),
    caption: `With a ${PROMPT_SETTINGS[prompt].label}. ${measures.map((measure) => view.measure(measure).method(panel.condition)).join(' ')}`,
    rowHeader: 'Model',
    columns: measures.map((measure) => ({ label: view.measure(measure).label(panel.condition), better: view.measure(measure).better })),
    rows: drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      cells: measures.map((measure) => panel.value(drawing.id, prompt, measure)),
    })),
  };
}

/** The same as bars. */
export function promptBars(view: View, panel: Panel, measure: string): BarFigure {
  const label = view.measure(measure).label(panel.condition);
  return {
    kind: 'bar',
    id: panel.id(`${measure}-bars`),
    caption: `After training, by prompt setting: ${label}, 95% intervals over ${view.over}.`,
    categories: view.experiment.prompts.map((prompt) => PROMPT_SETTINGS[prompt].label),
    y: { label },
    series: panel.drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      values: view.experiment.prompts.map((prompt) => (panel.drawn(drawing.id, prompt) ? panel.value(drawing.id, prompt, measure) : null)),
    })),
  };
}

/** One measure of some drawings under one prompt setting, side by side; with a line where the scenes themselves stand. */
export function drawingBars(
  view: View,
  panel: Panel,
  id: string,
  measure: string,
  { drawings, prompt, remark = '' }: { drawings: readonly Drawing[]; prompt: PromptSettingId; remark?: string },
): BarFigure {
  const label = view.measure(measure).label(panel.condition);
  const real = panel.real(measure, drawings[0]);
  return {
    kind: 'bar',
    id: panel.id(id),
    caption: `${capitalised(label)}, ${PROMPT_SETTINGS[prompt].label}; 95% intervals over ${view.over}.${remark === '' ? '' : ` ${remark}`}`,
    categories: drawings.map((drawing) => drawing.label),
    y: { label },
    series: [{ label, values: drawings.map((drawing) => panel.value(drawing.id, prompt, measure)) }],
    ...(real.length === 0 ? {} : { references: [{ label: 'the scenes themselves', y: mean(real) }] }),
  };
}

/** Held-out loss after training of some arms, side by side, without a prompt and with a perfect one. */
export function lossBars(view: View, panel: Panel, id: string, arms: readonly Pick<Arm, 'id' | 'label'>[]): BarFigure {
  const { scenes, timesteps } = view.results.profile.heldOut!;
  return {
    kind: 'bar',
    id: panel.id(id),
    caption: `Loss on ${scenes} held-out scenes after training, mean over timesteps ${timesteps.join(', ')}, same noise for all; lower is better. 95% intervals over ${view.over}.`,
    categories: LOSS_PROMPTS.map((prompt) => PROMPT_SETTINGS[prompt].label),
    y: { label: 'held-out loss' },
    series: arms.map((arm) => ({
      label: arm.label,
      ...(arm.id === BASE ? {} : { arm: arm.id }),
      values: LOSS_PROMPTS.map((prompt) => view.measured(panel.heldOut(arm.id, prompt), [0, Number.MAX_VALUE])),
    })),
  };
}

/** Samples that an arm sees a step. */
export const perStep = (view: View, arm: Arm): number => examplesOfStep(recipeOf(view.results.profile, arm));

/** Samples that an arm's training has seen after some of its steps: those that it went on from count. */
export const samplesAfter = (view: View, arm: Arm, step: number): number =>
  perStep(view, arm) * (stepsBefore(view.results.profile, arm) + step);

/** Fidelity over training: over steps, or over samples where arms see more or fewer of them a step. */
export function curves(view: View, panel: Panel): LineFigure {
  const { follow } = view.results.profile;
  const label = view.measure('fidelity').label(panel.condition);
  const alike = new Set(view.arms.map((arm) => perStep(view, arm))).size === 1 && view.arms.every(({ from }) => from === undefined);
  return {
    kind: 'line',
    id: panel.id('curve'),
    caption: `Fidelity while training: ${label} of ${follow.images} held-out scenes with perfect prompts, ${follow.steps} DDIM steps without guidance, every ${follow.every} steps. Bands: 95% over ${view.over}.`,
    x: { label: alike ? 'training step' : 'samples seen' },
    y: { label },
    series: view.arms.map((arm) => {
      const { id, label: name } = arm;
      const trainings = panel.trainings(id).map(({ curve }) => curve);
      const { steps } = trainings[0]!;
      const points = steps.map((_, k) =>
        trainings.length === 1 ? trainings[0]!.perImage[k]! : trainings.map(({ perImage }) => mean(perImage[k]!)),
      );
      const band = points.map(
        (point) => meanInterval(point, { seed: view.seeds[0]!, range: [0, 1] }).interval ?? ([mean(point), mean(point)] as const),
      );
      const x = alike ? steps : steps.map((step) => samplesAfter(view, arm, step));
      return { label: name, arm: id, x, y: points.map(mean), band, n: points[0]!.length, seeds: view.seeds };
    }),
  };
}

const LOSS_WINDOW = 20;

/**
 * Training loss of the first seed, smoothed; batches, noise and timesteps are the same for all arms, so that curves are comparable step by
 * step.
 * @param arms such that this is true of
 */
export function losses(view: View, panel: Panel, arms: readonly Arm[] = view.arms): LineFigure {
  const { batchSize } = view.results.profile.recipe;
  return {
    kind: 'line',
    id: panel.id('loss'),
    caption: `Training loss, mean of ${LOSS_WINDOW} steps, seed ${view.seeds[0]}. All arms see the same batches, noise and timesteps in the same order.`,
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: arms.map(({ id, label }) => {
      const { losses: all } = panel.trainings(id)[0]!;
      const windows = Array.from({ length: Math.floor(all.length / LOSS_WINDOW) }, (_, k) =>
        mean(all.slice(k * LOSS_WINDOW, (k + 1) * LOSS_WINDOW)),
      );
      return {
        label,
        arm: id,
        x: windows.map((_, k) => (k + 1) * LOSS_WINDOW),
        y: windows,
        n: batchSize * LOSS_WINDOW,
        seeds: [view.seeds[0]!],
      };
    }),
  };
}

/** What training costs: multiply-accumulates of a step as its graph has them, and of all steps, those that it went on from with it. */
export function costTable(view: View, panel: Panel, arms = view.arms): Table {
  const whole = (arm: Arm): number => {
    const { step, before } = view.results.costs[arm.id]!;
    return before + step * recipeOf(view.results.profile, arm).steps;
  };
  const all = (arm: Arm): number => whole(arm) + (arm.from === undefined ? 0 : all(arm.from));
  return {
    kind: 'table',
    id: panel.id('cost'),
    caption:
      'Multiply-accumulates of training as the graphs have them: forward, backward and optimizer, per example and in all. Arms that go on from another training count its too, and models of several stages all of them.',
    rowHeader: 'Arm',
    columns: [
      { label: 'per example', unit: 'MMAC', better: 'lower' },
      { label: 'examples seen' },
      { label: 'in all', unit: 'GMAC', better: 'lower' },
    ],
    rows: arms.map((arm) => ({
      label: arm.label,
      arm: arm.id,
      cells: [
        Math.round(view.results.costs[arm.id]!.step / perStep(view, arm) / 1e6),
        samplesAfter(view, arm, recipeOf(view.results.profile, arm).steps),
        Math.round(all(arm) / 1e9),
      ],
    })),
  };
}

/** What was trained, and how it went. */
export function trainingTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('training'),
    caption: 'What was trained.',
    rowHeader: 'Arm',
    columns: [
      { label: 'parameters of the control' },
      { label: 'trained in the base' },
      { label: 'steps' },
      { label: 'batch' },
      { label: 'loss, mean of last 50' },
    ],
    rows: view.arms.map((arm) => {
      const trainings = panel.trainings(arm.id);
      const { steps, batchSize } = recipeOf(view.results.profile, arm);
      const last = trainings.map(({ losses: all }) => all.slice(-50));
      const { control, inBase } = trainings[0]!.parameters;
      return { label: arm.label, arm: arm.id, cells: [control, inBase, steps, batchSize, view.measured(last, [0, Number.MAX_VALUE])] };
    }),
  };
}

/**
 * One held-out scene over training: rows are arms, columns training steps. The score under a picture is its own. Arms that were looked at
 * after other steps than the first one, or are trained on another base or other data, have no row.
 */
export async function filmStrip(view: View, panel: Panel, columns = 8): Promise<FilmStrip> {
  const example = view.results.followed.examples[0]!;
  const { steps } = panel.trainings(view.arms[0]!.id)[0]!.curve;
  const shown = Array.from({ length: Math.min(columns, steps.length) }, (_, k) =>
    Math.round((k * (steps.length - 1)) / Math.max(1, Math.min(columns, steps.length) - 1)),
  );
  const measure = view.measure('fidelity').label(panel.condition);
  const alike = view.arms.filter(
    (arm) => panel.trainings(arm.id)[0]!.curve.steps.join() === steps.join() && view.ground(arm) === view.ground(view.arms[0]),
  );
  return {
    kind: 'film-strip',
    id: panel.id('film-strip'),
    caption: `One condition over training (seed ${view.seeds[0]}). Under each picture its ${measure}.`,
    condition: { ...example.condition(panel.condition), alt: `the condition: ${panel.label}`, detail: promptOf(example, 'perfect') },
    steps: shown.map((k) => steps[k]!),
    rows: await Promise.all(
      alike.map(async ({ id, label }) => {
        const { pictures, perImage } = panel.trainings(id)[0]!.curve;
        const images = shown.map(async (k): Promise<GridImage> => ({
          ...(await decodePng(pictures[k]!)),
          alt: `${label} after ${steps[k]} training steps`,
          caption: f2(perImage[k]![0]!),
        }));
        return { label, arm: id, images: await Promise.all(images) };
      }),
    ),
  };
}

async function decodePng(base64: string): Promise<{ rgb: Uint8Array; width: number; height: number }> {
  const { data, info } = await sharp(Buffer.from(base64, 'base64')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { rgb: new Uint8Array(data), width: info.width, height: info.height };
}

/** A scene that a report shows: the i-th single one or the i-th pair. */
interface ShownScene {
  readonly single: boolean;
  readonly i: number;
}

const shownScenes = ({ results }: View): ShownScene[] => [
  ...Array.from({ length: results.profile.shown.singles }, (_, i) => ({ single: true, i })),
  ...Array.from({ length: results.profile.shown.pairs }, (_, i) => ({ single: false, i })),
];

/** Where a scene stands among those of a drawing; null where it is none of them. */
const indexIn = ({ singles, examples }: EvaluationSet, { single, i }: ShownScene): number | null =>
  single ? (i < singles ? i : null) : singles + i < examples.length ? singles + i : null;

/** What a drawing shows of a scene under a prompt setting, its fidelity under it; null where it was not drawn for it. */
function drawnScene(view: View, panel: Panel, { drawing, prompt }: { drawing: Drawing; prompt: PromptSettingId }, scene: ShownScene) {
  const scenes = view.scenes(drawing);
  const at = indexIn(scenes, scene);
  if (at === null) return null;
  const cell = panel.cells(drawing.id, prompt)[0]!;
  const given = promptOf(scenes.examples[at]!, prompt);
  const told = given === '' ? 'without a prompt' : `told “${given}”`;
  const image: GridImage = { ...cell.images[at]!, alt: `${drawing.label}, ${told}`, caption: f2(cell.measures['fidelity']![at]!) };
  return { image, given };
}

/** The condition and the scene itself, as the first pictures of a row. */
function givenScene(panel: Panel, all: EvaluationSet, scene: ShownScene): { text: string; images: GridImage[] } {
  const example = all.examples[indexIn(all, scene)!]!;
  const text = promptOf(example, 'perfect');
  return {
    text,
    images: [
      { ...example.condition(panel.condition), alt: `${panel.label} of: ${text}` },
      { ...example.image, alt: text },
    ],
  };
}

/** All scenes of what the first of some drawings is made on. */
const scenesOfAll = (view: View, [first]: readonly Drawing[]): EvaluationSet => view.ground(first).scenes[0]!;

/** Arms x prompt settings for some of the scenes: condition, scene, then every model; the prompts stand under each scene. */
export function armsByPrompts(view: View, panel: Panel, drawings = panel.drawings, id = 'pictures-grid'): ImageGrid {
  const all = scenesOfAll(view, drawings);
  const last = view.experiment.prompts.at(-1)!;
  const controlled = drawings.filter((drawing) => drawing.id !== BASE);
  const models = [
    ...controlled.flatMap((drawing) =>
      view.experiment.prompts.filter((prompt) => panel.drawn(drawing.id, prompt)).map((prompt) => ({ drawing, prompt })),
    ),
    ...drawings.filter((drawing) => drawing.id === BASE).map((drawing) => ({ drawing, prompt: last })),
  ];
  return {
    kind: 'image-grid',
    id: panel.id(id),
    caption: `Condition, scene, then each model under each prompt setting, from the same noise (seed ${view.seeds[0]}). Under each picture its ${view.measure('fidelity').label(panel.condition)}.`,
    columns: [
      'condition',
      'scene',
      ...models.map(({ drawing, prompt }) => ({ group: drawing.label, label: PROMPT_SETTINGS[prompt].label, arm: shownAs(drawing) })),
    ],
    rows: shownScenes(view).map((scene, row) => {
      const { text, images } = givenScene(panel, all, scene);
      const drawn = models.map((model) => drawnScene(view, panel, model, scene));
      return {
        label: `${row + 1}`,
        detail: text,
        images: [...images, ...drawn.map((found) => (found === null ? null : { ...found.image, detail: found.given }))],
      };
    }),
  };
}

/** Drawings side by side under one prompt setting, for the shown scenes that all were made for: condition, scene, a column each. */
export function sideBySide(
  view: View,
  panel: Panel,
  { drawings = panel.drawings, prompt, id = 'pictures-grid' }: { drawings?: readonly Drawing[]; prompt: PromptSettingId; id?: string },
): ImageGrid {
  const all = scenesOfAll(view, drawings);
  return {
    kind: 'image-grid',
    id: panel.id(id),
    caption: `${capitalised(PROMPT_SETTINGS[prompt].label)}: condition, scene, then each drawing, from the same noise (seed ${view.seeds[0]}). Under each picture its ${view.measure('fidelity').label(panel.condition)}.`,
    columns: ['condition', 'scene', ...drawings.map(({ label }) => label)],
    rows: shownScenes(view).flatMap((scene, row) => {
      const { text, images } = givenScene(panel, all, scene);
      const drawn = drawings.map((drawing) => drawnScene(view, panel, { drawing, prompt }, scene)?.image ?? null);
      return drawn.includes(null) ? [] : [{ label: `${row + 1}`, detail: text, images: [...images, ...drawn] }];
    }),
  };
}

/** The loss on held-out scenes after training, by timestep, under one prompt setting: each arm's difference to the first one's. */
export function lossByTimestep(view: View, panel: Panel, prompt: keyof HeldOutLoss): LineFigure {
  const { timesteps, scenes } = view.results.profile.heldOut!;
  const [first, ...others] = view.arms as [Arm, ...Arm[]];
  return {
    kind: 'line',
    id: panel.id(`loss-${prompt}`),
    caption: `Loss on ${scenes} held-out scenes with ${PROMPT_SETTINGS[prompt].label}, by timestep: each arm minus ${first.label}, same scenes and noise; above 0 is worse. Bands: 95% over ${view.over}.`,
    x: { label: 'timestep (999 is pure noise)' },
    y: { label: `loss − that of ${first.label}` },
    series: others.map(({ id, label }) => {
      const points = timesteps.map((_, t) => view.difference(panel.heldOut(id, prompt, t), panel.heldOut(first.id, prompt, t)));
      const values = points.map(({ value }) => value);
      const band = points.map(({ value, interval }) => interval ?? ([value, value] as const));
      return { label, arm: id, x: timesteps, y: values, band, n: points[0]!.n, seeds: view.seeds };
    }),
  };
}

/** The same as numbers, over all timesteps. */
export function lossTable(view: View, panel: Panel): Table {
  const prompts = LOSS_PROMPTS;
  const { scenes, timesteps } = view.results.profile.heldOut!;
  const rows = [BASE_ALONE, ...view.arms];
  return {
    kind: 'table',
    id: panel.id('held-out-loss'),
    caption: `Loss on ${scenes} held-out scenes after training, mean over timesteps ${timesteps.join(', ')}, same noise for all.`,
    rowHeader: 'Model',
    columns: prompts.map((prompt) => ({ label: PROMPT_SETTINGS[prompt].label, better: 'lower' as const })),
    rows: rows.map(({ id, label }) => ({
      label,
      arm: id,
      cells: prompts.map((prompt) => view.measured(panel.heldOut(id, prompt), [0, Number.MAX_VALUE])),
    })),
  };
}

/** What each training of an arm went through: change points of its fidelity over the evaluated steps. */
export const courses = (panel: Panel, arm: string): ChangePoints[] =>
  panel.trainings(arm).map(({ curve: { steps, perImage } }) => changePoints({ steps, values: perImage.map(mean) }));

/** When and how fast fidelity changes, arm by arm: means over trainings of what the fits say. */
export function changePointTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('change-points'),
    caption:
      'Change points of fidelity over training, in samples: where the plateau ends, where half of the rise is done and how long it takes from a tenth to nine tenths (logistic), and how much better a plateau explains the course than gradual change (difference of BIC; above 10 is decisive).',
    rowHeader: 'Arm',
    columns: [{ label: 'end of plateau' }, { label: 'midpoint' }, { label: 'width' }, { label: 'BIC for a plateau' }],
    rows: view.arms.map((arm) => {
      const samples = perStep(view, arm);
      const found = courses(panel, arm.id);
      const cell = (of: (points: ChangePoints) => number) => view.measured(found.map((points) => [of(points)]));
      return {
        label: arm.label,
        arm: arm.id,
        cells: [
          cell(({ plateau }) => samples * plateau.onset),
          cell(({ logistic }) => samples * logistic.midpoint),
          cell(({ logistic }) => samples * logistic.width),
          cell(plateauEvidence),
        ],
      };
    }),
  };
}

/** Loss on held-out scenes over training, mean over timesteps. */
export function lossCurves(view: View, panel: Panel, prompt: keyof HeldOutLoss): LineFigure {
  const { scenes, timesteps } = view.results.profile.follow.loss!;
  return {
    kind: 'line',
    id: panel.id(`held-out-${prompt}`),
    caption: `Loss on ${scenes} held-out scenes with ${PROMPT_SETTINGS[prompt].label}, mean over timesteps ${timesteps.join(', ')}. Bands: 95% over ${view.over}.`,
    x: { label: 'samples seen' },
    y: { label: 'held-out loss' },
    series: view.arms.map((arm) => {
      const trainings = panel.trainings(arm.id).map(({ curve }) => curve);
      const { steps } = trainings[0]!;
      const points = steps.map((_, k) => trainings.map(({ heldOut }) => mean(heldOut![prompt][k]!)));
      const band = points.map((point) => meanInterval(point, { seed: view.seeds[0]! }).interval ?? ([mean(point), mean(point)] as const));
      return {
        label: arm.label,
        arm: arm.id,
        x: steps.map((step) => samplesAfter(view, arm, step)),
        y: points.map(mean),
        band,
        n: trainings.length,
        seeds: view.seeds,
      };
    }),
  };
}

/** Samples that a training saw before its held-out loss fell to a target; all of them, `censored`, where it never did. */
export interface Reached {
  readonly samples: number;
  readonly censored: boolean;
}

/** For each training of an arm: interpolated between evaluations, loss with a perfect prompt, mean over timesteps. */
export function samplesTo(view: View, panel: Panel, arm: string, target: number): Reached[] {
  const samples = perStep(
    view,
    view.arms.find(({ id }) => id === arm)!,
  );
  return panel.trainings(arm).map(({ curve: { steps, heldOut } }) => {
    const losses = heldOut!.perfect.map(mean);
    const k = losses.findIndex((loss) => loss <= target);
    if (k < 0) return { samples: samples * steps.at(-1)!, censored: true };
    if (k === 0) return { samples: samples * steps[0]!, censored: false };
    const share = (losses[k - 1]! - target) / (losses[k - 1]! - losses[k]!);
    return { samples: samples * (steps[k - 1]! + share * (steps[k]! - steps[k - 1]!)), censored: false };
  });
}

/** {@link samplesTo} of every arm. */
export function reachTable(view: View, panel: Panel, target: number): Table {
  return {
    kind: 'table',
    id: panel.id('reach'),
    caption: `Samples until the loss on held-out scenes with a perfect prompt falls to ${target}; trainings that never reach it count with all they saw, and are counted in the last column.`,
    rowHeader: 'Arm',
    columns: [{ label: 'samples', better: 'lower' }, { label: 'not reached' }],
    rows: view.arms.map(({ id, label }) => {
      const reached = samplesTo(view, panel, id, target);
      return {
        label,
        arm: id,
        cells: [
          view.measured(reached.map(({ samples }) => [samples])),
          `${reached.filter(({ censored }) => censored).length} of ${reached.length}`,
        ],
      };
    }),
  };
}
