import {
  allocateBuffers,
  catalogue,
  loadAtlas,
  renderScene,
  sceneSpec,
  type Condition,
  type SceneBuffers,
  type SceneMix,
  type SceneSpec,
  type Split,
  type Style,
  type Tier,
} from '@controllab/emoji-scenes';
import { IMAGE_SIZE } from './models.ts';

/** Which scenes, as plain data: a worker opens them again from it. */
export interface SceneSource {
  tier: Tier;
  seed: number;
  split: Split;
  mix?: SceneMix;
  /** Whose drawings; OpenMoji's. */
  style?: Style;
}

export interface OpenScenes<C extends Condition> {
  spec(index: number): SceneSpec;
  /** Draws a scene into the shared buffers, valid until the next call. */
  render(spec: SceneSpec): SceneBuffers<C>;
}

/** Opens a source of scenes of 64 x 64 pixels. */
export async function openScenes<const C extends Condition = never>(
  { tier, seed, split, mix, style = 'openmoji' }: SceneSource,
  conditions: readonly C[] = [],
): Promise<OpenScenes<C>> {
  const atlas = await loadAtlas(style);
  const objects = catalogue(tier);
  const buffers = allocateBuffers(IMAGE_SIZE, conditions);
  return {
    spec: (index) => sceneSpec(index, { seed, objects, size: IMAGE_SIZE, split, ...(mix === undefined ? {} : { mix }) }),
    render: (spec) => {
      renderScene(spec, atlas, buffers);
      return buffers;
    },
  };
}

/** Scenes 0 .. count - 1 of a source with their pictures [64, 64, 3], 8-bit. */
export async function drawScenes(source: SceneSource, count: number): Promise<{ spec: SceneSpec; rgb8: Uint8Array }[]> {
  const scenes = await openScenes(source);
  return Array.from({ length: count }, (_, i) => {
    const spec = scenes.spec(i);
    return { spec, rgb8: scenes.render(spec).rgb8.slice() };
  });
}
