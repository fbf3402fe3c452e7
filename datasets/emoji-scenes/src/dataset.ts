import { checkIndex, jsonHash, type Dataset, type Example, type RgbImage } from '@controllab/data';
import { caption } from './captions/caption.ts';
import { catalogue, type Tier } from './catalogue/catalogue.ts';
import { conditionImage } from './conditions/condition-image.ts';
import { conflictingCaption } from './captions/conflicting-caption.ts';
import { EmojiScenesError } from './emoji-scenes-error.ts';
import { insufficientCaption } from './captions/insufficient-caption.ts';
import { loadAtlas, type Atlas } from './drawings/load-atlas.ts';
import { conditions, type Condition } from './conditions/scene-buffers.ts';
import { defaultMix, type SceneMix } from './scenes/scene-mix.ts';
import { SceneRenderer } from './rendering/scene-renderer.ts';
import { sceneSpec, type SceneSpec } from './scenes/scene-spec.ts';
import type { Split } from './scenes/split.ts';
import type { Style } from './drawings/style.ts';
import { swappedCaption } from './captions/swapped-caption.ts';

/** Raise with every change of the code that alters a scene, its picture, a condition or a caption. */
const REVISION = 1;

/** Scenes are made by number: there are as many as their numbers allow. */
const ALL = 2 ** 32;

/** Which scenes, as plain data: a worker opens them again from it. */
export interface SceneSource {
  readonly tier: Tier;
  /** See `SCENE_SEEDS`. */
  readonly seed: number;
  readonly split: Split;
  /** Default `defaultMix(size)`. */
  readonly mix?: SceneMix;
  /** Whose drawings; OpenMoji's by default. */
  readonly style?: Style;
  /** Side in pixels; 64 by default. */
  readonly size?: number;
  /** How many, the first ones: subsets nest. By default 2^32, which is all of them. */
  readonly length?: number;
}

/** A condition that has a value for every pixel. */
export type MapCondition = Exclude<Condition, 'keypoints'>;

/**
 * Captions of a scene by kind: the true one, `insufficient` (the background alone), `object-dropped` (without the object named last, or a
 * single one's background), `conflicting` (other objects on another background), `swapped` (false, of the same words) and `empty`.
 */
export type SceneCaption = 'caption' | 'insufficient' | 'object-dropped' | 'conflicting' | 'swapped' | 'empty';

/** A scene. Its picture is drawn when it is first asked for, conditions and maps whenever they are. */
export interface SceneExample extends Example {
  readonly captions: Readonly<Record<SceneCaption, string>>;
  readonly spec: SceneSpec;
  /** The exact map [size, size], of the values that `conditions` lists: edges 0 or 255, say, or a class. */
  map(id: MapCondition): Uint8Array;
}

/**
 * Emoji scenes as a dataset, with every condition of `conditions` (`line` in OpenMoji's style alone), and two or three maps of them in one
 * picture, a channel each: `canny+mask`.
 * @throws EmojiScenesError for a tier, style, split, mix, size or length that there is not
 */
export async function emojiScenes(source: SceneSource): Promise<Dataset<SceneExample>> {
  const { tier, seed, split, style = 'openmoji', size = 64, mix = defaultMix(size), length = ALL } = source;
  if (!Number.isInteger(length) || length < 1 || length > ALL)
    throw new EmojiScenesError('invalid-argument', `length must be an integer from 1 to 2^32, got ${length}.`, { length });
  const atlas = await atlasOf(style);
  const objects = catalogue(tier);
  const options = { seed, objects, size, split, mix };
  // A split or a mix that has no scenes is refused now, not in a worker after hours.
  sceneSpec(0, options);
  const id = `emoji-scenes, tier ${tier}${style === 'openmoji' ? '' : `, ${style}`}`;
  const offered = conditions.filter((condition) => condition !== 'line' || atlas.line !== null);
  const common = { dataset: id, offered, objects, renderer: new SceneRenderer(atlas, size) };
  return {
    id,
    hash: jsonHash({
      dataset: 'emoji-scenes',
      revision: REVISION,
      seed,
      split,
      mix: { ...mix },
      size,
      objects: objects.map((object) => ({ ...object })),
      drawings: atlas.sha256,
    }),
    length,
    conditions: offered,
    reference: { module: import.meta.url, data: source },
    async example(index) {
      checkIndex({ id, length }, index);
      return scene(sceneSpec(index, options), common);
    },
  };
}

const atlases = new Map<string, Promise<Atlas>>();

/** The drawings of a style, read once a process however many datasets it opens: 17 MB, and a tenth of a second. */
function atlasOf(style: Style): Promise<Atlas> {
  const known = atlases.get(style);
  if (known !== undefined) return known;
  const atlas = loadAtlas(style);
  atlases.set(style, atlas);
  // What failed is tried again by whoever asks next.
  atlas.catch(() => atlases.delete(style));
  return atlas;
}

/** Opens it again from a `DatasetReference`. */
export default emojiScenes;

/** Between the maps of a condition that is several in one picture: `canny+mask`. */
const JOINED = '+';

/** Two or three maps in one picture, each in a channel of its own: red, green, blue. */
function joinedImage(id: string, maps: readonly (Uint8Array | Float32Array)[]): Uint8Array {
  if (maps.length > 3 || maps.some((map) => map instanceof Float32Array))
    throw new EmojiScenesError(
      'missing-condition',
      `"${id}": a picture has three channels, for a map each; there is no map of keypoints.`,
      { condition: id },
    );
  const rgb = new Uint8Array(3 * maps[0]!.length);
  maps.forEach((map, c) => map.forEach((value, p) => (rgb[3 * p + c] = value)));
  return rgb;
}

/** What the scenes of a dataset have in common. */
interface Common {
  readonly dataset: string;
  readonly offered: readonly Condition[];
  readonly objects: ReturnType<typeof catalogue>;
  readonly renderer: SceneRenderer;
}

function scene(spec: SceneSpec, { dataset, offered, objects, renderer }: Common): SceneExample {
  const { size } = spec;
  const picture = (rgb: Uint8Array): RgbImage => ({ rgb, width: size, height: size });
  const check = (id: string): Condition => {
    const known = offered.find((condition) => condition === id);
    if (known !== undefined) return known;
    throw new EmojiScenesError('missing-condition', `${dataset} has no condition "${id}". Conditions: ${offered.join(', ')}.`, {
      condition: id,
    });
  };
  let image: RgbImage | null = null;
  return {
    spec,
    captions: {
      caption: caption(spec.parts),
      // Worked out when it is asked for: a training asks for the true one alone, and a pool of few objects has no others to conflict with.
      get insufficient() {
        return insufficientCaption(spec, 'background');
      },
      get 'object-dropped'() {
        return insufficientCaption(spec, 'object-dropped');
      },
      get conflicting() {
        return conflictingCaption(spec, objects);
      },
      get swapped() {
        return swappedCaption(spec);
      },
      empty: '',
    },
    get image() {
      image ??= picture(renderer.render(spec).rgb8.slice());
      return image;
    },
    condition: (id) => {
      const parts = id.split(JOINED);
      if (parts.length > 1)
        return picture(
          joinedImage(
            id,
            parts.map((part) => renderer.render(spec, check(part))[check(part)]!.slice()),
          ),
        );
      const known = check(id);
      return picture(conditionImage(known, renderer.render(spec, known)));
    },
    map: (id) => {
      const map = renderer.render(spec, check(id))[id]!;
      // An id that comes from a file is not bound by its type.
      if (map instanceof Float32Array)
        throw new EmojiScenesError('missing-condition', `"${id}" are points: there is no map of them.`, { condition: id });
      return map.slice();
    },
  };
}
