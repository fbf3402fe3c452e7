import sharp from 'sharp';
import type { FilmStrip, GridImage, ImageGrid } from '@controllab/report';
import { BASE, shownAs, type Drawing } from '../../experiment.ts';
import { PROMPT_SETTINGS, promptOf, type PromptSettingId } from '../../prompts.ts';
import type { EvaluationSet } from '../../compute/drawing/evaluation-set.ts';
import { capitalised, type Panel, type View } from '../view.ts';
import { f2 } from './measures.ts';

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

/** Where a drawing stands: under its arm, told from the arm's other drawings by what its label has beside the arm's. */
function columnOf(view: View, { drawing, prompt }: { drawing: Drawing; prompt: PromptSettingId }) {
  const arm = view.arms.find(({ id }) => id === shownAs(drawing));
  const { label } = PROMPT_SETTINGS[prompt];
  const isVariant = arm !== undefined && drawing.label.startsWith(`${arm.label}, `);
  return {
    ...(isVariant
      ? { group: arm.label, label: `${label}, ${drawing.label.slice(arm.label.length + 2)}` }
      : { group: drawing.label, label }),
    arm: shownAs(drawing),
  };
}

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
    columns: ['condition', 'scene', ...models.map((model) => columnOf(view, model))],
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
