import { firstExamples } from '@controllab/data';
import { catalogue, emojiScenes, SCENE_SEEDS, type SceneMix, type SceneSpec, type Split, type Tier } from '@controllab/emoji-scenes';

/** Real scenes behind the Fréchet distance. */
export const REFERENCE = 2048;

export type Kind = 'large singles' | 'small singles' | 'pairs';

const only = (kind: keyof SceneMix): SceneMix => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });
const KINDS: Record<Kind, { split: Split; mix: SceneMix }> = {
  'large singles': { split: 'train', mix: only('largeSingle') },
  'small singles': { split: 'train', mix: only('smallSingle') },
  pairs: { split: 'val-combination', mix: only('pair') },
};

/** A scene whose prompt is drawn, with its own picture. */
export interface Evaluated {
  readonly spec: SceneSpec;
  readonly real: Uint8Array;
  readonly kind: Kind;
}

/** Scenes of a kind in which every object that training shows comes first equally often. */
async function balanced(tier: Tier, kind: Kind, each: number): Promise<Evaluated[]> {
  const scenes = await emojiScenes({ tier, seed: SCENE_SEEDS.baseEvaluation.seed, ...KINDS[kind] });
  const left = new Map(catalogue(tier).flatMap(({ id, heldOut }) => (heldOut ? [] : [[id, each]])));
  const found: Evaluated[] = [];
  let missing = each * left.size;
  for (let i = 0; missing > 0; i++) {
    const example = await scenes.example(i);
    const { id } = example.spec.placements[0]!.object;
    const wanted = left.get(id) ?? 0;
    if (wanted === 0) continue;
    left.set(id, wanted - 1);
    missing--;
    found.push({ spec: example.spec, real: example.image.rgb, kind });
  }
  return found;
}

/** Large singles of each object that training shows, and half as many small ones and pairs. */
export async function evaluatedScenes(tier: Tier, perObject: number): Promise<Evaluated[]> {
  const half = Math.ceil(perObject / 2);
  return [
    ...(await balanced(tier, 'large singles', perObject)),
    ...(await balanced(tier, 'small singles', half)),
    ...(await balanced(tier, 'pairs', half)),
  ];
}

/** Of scenes by kinds, at most `most`, the kinds in their proportion: one of every so many. */
export function spread(evaluated: readonly Evaluated[], most: number): Evaluated[] {
  const every = Math.max(1, Math.floor(evaluated.length / most));
  return evaluated.filter((_, i) => i % every === 0).slice(0, most);
}

/** Each scene's caption replaced by that of the scene half of the list away. */
export const shuffled = (captions: readonly string[]): string[] =>
  captions.map((_, i) => captions[(i + Math.floor(captions.length / 2)) % captions.length]!);

/** Real scenes of another seed in the proportion of the evaluated kinds. */
export async function referenceScenes(tier: Tier, evaluated: readonly Evaluated[]): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const count = Math.round((REFERENCE * evaluated.filter((e) => e.kind === kind).length) / evaluated.length);
    const scenes = await emojiScenes({ tier, seed: SCENE_SEEDS.baseReference.seed, ...KINDS[kind] });
    images.push(...(await firstExamples(scenes, count)).map(({ image }) => image.rgb));
  }
  return images;
}
