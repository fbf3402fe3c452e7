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
import { BASE } from './experiment.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from './prompts.ts';
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
      arm: drawing.id,
      cells: view.experiment.prompts.map((prompt) => panel.value(drawing.id, prompt, measure)),
    })),
  };
}

/** Models x measures, under one prompt setting. */
export function measureTable(view: View, panel: Panel, id: string, measures: readonly string[], prompt: PromptSettingId): Table {
  return {
    kind: 'table',
    id: panel.id(id),
    caption: `With a ${PROMPT_SETTINGS[prompt].label}. ${measures.map((measure) => view.measure(measure).method(panel.condition)).join(' ')}`,
    rowHeader: 'Model',
    columns: measures.map((measure) => ({ label: view.measure(measure).label(panel.condition), better: view.measure(measure).better })),
    rows: panel.drawings.map((drawing) => ({
      label: drawing.label,
      arm: drawing.id,
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
      arm: drawing.id,
      values: view.experiment.prompts.map((prompt) => panel.value(drawing.id, prompt, measure)),
    })),
  };
}

/** Fidelity over training. */
export function curves(view: View, panel: Panel): LineFigure {
  const { follow } = view.results.profile;
  const label = view.measure('fidelity').label(panel.condition);
  return {
    kind: 'line',
    id: panel.id('curve'),
    caption: `Fidelity while training: ${label} of ${follow.images} held-out scenes with perfect prompts, ${follow.steps} DDIM steps without guidance, every ${follow.every} steps. Bands: 95% over ${view.over}.`,
    x: { label: 'training step' },
    y: { label },
    series: view.arms.map(({ id, label: name }) => {
      const trainings = panel.trainings(id).map(({ curve }) => curve);
      const { steps } = trainings[0]!;
      const points = steps.map((_, k) =>
        trainings.length === 1 ? trainings[0]!.perImage[k]! : trainings.map(({ perImage }) => mean(perImage[k]!)),
      );
      const band = points.map(
        (point) => meanInterval(point, { seed: view.seeds[0]!, range: [0, 1] }).interval ?? ([mean(point), mean(point)] as const),
      );
      return { label: name, arm: id, x: steps, y: points.map(mean), band, n: points[0]!.length, seeds: view.seeds };
    }),
  };
}

const LOSS_WINDOW = 20;

/**
 * Training loss of the first seed, smoothed; batches, noise and timesteps are the same for all arms, so that curves are comparable step by
 * step.
 */
export function losses(view: View, panel: Panel): LineFigure {
  const { batchSize } = view.results.profile.recipe;
  return {
    kind: 'line',
    id: panel.id('loss'),
    caption: `Training loss, mean of ${LOSS_WINDOW} steps, seed ${view.seeds[0]}. All arms see the same batches, noise and timesteps in the same order.`,
    x: { label: 'training step' },
    y: { label: 'loss' },
    series: view.arms.map(({ id, label }) => {
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
      const { steps, batchSize } = { ...view.results.profile.recipe, ...arm.recipe };
      const last = trainings.map(({ losses: all }) => all.slice(-50));
      const { control, inBase } = trainings[0]!.parameters;
      return { label: arm.label, arm: arm.id, cells: [control, inBase, steps, batchSize, view.measured(last, [0, Number.MAX_VALUE])] };
    }),
  };
}

/** One held-out scene over training: rows are arms, columns training steps. The score under a picture is its own. */
export async function filmStrip(view: View, panel: Panel, columns = 8): Promise<FilmStrip> {
  const example = view.results.scenes.examples[0]!;
  const { steps } = panel.trainings(view.arms[0]!.id)[0]!.curve;
  const shown = Array.from({ length: Math.min(columns, steps.length) }, (_, k) =>
    Math.round((k * (steps.length - 1)) / Math.max(1, Math.min(columns, steps.length) - 1)),
  );
  const measure = view.measure('fidelity').label(panel.condition);
  return {
    kind: 'film-strip',
    id: panel.id('film-strip'),
    caption: `One condition over training (seed ${view.seeds[0]}). Under each picture its ${measure}.`,
    condition: { ...example.condition(panel.condition), alt: `the condition: ${panel.label}`, detail: promptOf(example, 'perfect') },
    steps: shown.map((k) => steps[k]!),
    rows: await Promise.all(
      view.arms.map(async ({ id, label }) => {
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

/** Arms x prompt settings for some of the scenes: condition, scene, then every model; the prompts stand under each scene. */
export function armsByPrompts(view: View, panel: Panel): ImageGrid {
  const { examples } = view.results.scenes;
  const { drawn, shown } = view.results.profile;
  const kept = [...Array.from({ length: shown.singles }, (_, i) => i), ...Array.from({ length: shown.pairs }, (_, i) => drawn.singles + i)];
  const last = view.experiment.prompts.at(-1)!;
  const models = [
    ...panel.drawings.filter(({ id }) => id !== BASE).flatMap((drawing) => view.experiment.prompts.map((prompt) => ({ drawing, prompt }))),
    ...panel.drawings.filter(({ id }) => id === BASE).map((drawing) => ({ drawing, prompt: last })),
  ];
  return {
    kind: 'image-grid',
    id: panel.id('pictures-grid'),
    caption: `Condition, scene, then each model under each prompt setting, from the same noise (seed ${view.seeds[0]}). Under each picture its ${view.measure('fidelity').label(panel.condition)}.`,
    columns: [
      'condition',
      'scene',
      ...models.map(({ drawing, prompt }) => ({ group: drawing.label, label: PROMPT_SETTINGS[prompt].label, arm: drawing.id })),
    ],
    rows: kept.map((i) => {
      const example = examples[i]!;
      const text = promptOf(example, 'perfect');
      return {
        label: `${i + 1}`,
        detail: text,
        images: [
          { ...example.condition(panel.condition), alt: `${panel.label} of: ${text}` },
          { ...example.image, alt: text },
          ...models.map(({ drawing, prompt }): GridImage => {
            const cell = panel.cells(drawing.id, prompt)[0]!;
            const given = promptOf(example, prompt);
            const told = given === '' ? 'without a prompt' : `told “${given}”`;
            return { ...cell.images[i]!, alt: `${drawing.label}, ${told}`, caption: f2(cell.measures['fidelity']![i]!), detail: given };
          }),
        ],
      };
    }),
  };
}
