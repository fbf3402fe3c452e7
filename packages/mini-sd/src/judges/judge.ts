import * as tf from '@tensorflow/tfjs';
import { withParameters } from '@controllab/core-blocks';
import { catalogue, type SceneSpec, type Tier } from '@controllab/emoji-scenes';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { CELLS, FEATURES, MiniInception } from '../networks/inception.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { imageBatches } from '../networks/pixels.ts';

/** What mini-inception says of a picture that should show a scene. */
export interface Verdict {
  /** For each object of the scene, in its order: whether it is among the k that the picture most looks like, k objects being asked for. */
  recognised: readonly boolean[];
  /** Whether the first object is among the five likeliest. */
  topFive: boolean;
  /** Whether two recognised objects lie as left of, right of, above or below asks; null for other scenes and where one was not found. */
  relation: boolean | null;
}

/** Pooled features [N, 256] for the Frechet distance (mini-inception). */
export interface JudgeFeatures {
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
}

export interface Judge {
  /** What it says of pictures that should show scenes, and their features: one pass gives both. */
  judge(images: readonly Uint8Array[], specs: readonly SceneSpec[]): Promise<{ verdicts: Verdict[]; features: JudgeFeatures }>;
  features(images: readonly Uint8Array[]): Promise<JudgeFeatures>;
  release(): Promise<void>;
}

const BATCH = 64;

/** Compiles mini-inception over a tier's objects. */
export async function compileJudge(weights: Record<string, HostTensor>, tier: Tier, engine: CompileOptions = {}): Promise<Judge> {
  const pool = catalogue(tier);
  const placeOf = new Map(pool.map(({ id }, i) => [id, i]));
  const inception = new MiniInception(pool.length);
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters(inception, constants, () => {
        const { features, objects, cells } = inception.forward(inputs['images']!);
        return { outputs: { features, objects, cells: tf.softmax(cells) } };
      }),
    { inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
    { ...engine, name: 'mini-inception' },
  );
  async function* batches(images: readonly Uint8Array[]): AsyncGenerator<{ start: number; size: number; out: Record<string, HostTensor> }> {
    for (const { start, size, batch } of imageBatches(images, BATCH)) yield { start, size, out: await network.run({ images: batch }) };
  }
  const copyFeatures = (out: Record<string, HostTensor>, { data }: JudgeFeatures, start: number, size: number): void =>
    data.set((out['features']!.data as Float32Array).subarray(0, size * FEATURES), start * FEATURES);
  const emptyFeatures = ({ length }: readonly Uint8Array[]): JudgeFeatures => ({
    data: new Float32Array(length * FEATURES),
    shape: [length, FEATURES],
  });
  return {
    async judge(images, specs) {
      const [verdicts, features]: [Verdict[], JudgeFeatures] = [[], emptyFeatures(images)];
      for await (const { start, size, out } of batches(images)) {
        copyFeatures(out, features, start, size);
        for (let n = 0; n < size; n++) {
          const { placements, parts } = specs[start + n]!;
          const asked = placements.map(({ object }) => placeOf.get(object.id)!);
          const logits = out['objects']!.data.subarray(n * pool.length, (n + 1) * pool.length) as Float32Array;
          const ranked = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!);
          const recognised = asked.map((object) => ranked.slice(0, asked.length).includes(object));
          const cells = out['cells']!.data.subarray(
            n * CELLS * CELLS * (pool.length + 1),
            (n + 1) * CELLS * CELLS * (pool.length + 1),
          ) as Float32Array;
          const centres =
            asked.length === 2 && recognised.every(Boolean) ? asked.map((object) => centre(cells, object + 1, pool.length + 1)) : null;
          verdicts.push({
            recognised,
            topFive: ranked.slice(0, 5).includes(asked[0]!),
            relation: centres === null ? null : holds(parts.relation, centres as [Point, Point]),
          });
        }
      }
      return { verdicts, features };
    },
    async features(images) {
      const features = emptyFeatures(images);
      for await (const { start, size, out } of batches(images)) copyFeatures(out, features, start, size);
      return features;
    },
    release: () => network.release(),
  };
}

type Point = readonly [x: number, y: number];

/** Where a class lies: the mean of the cells' places, weighted by its probability there. */
function centre(cells: Float32Array, label: number, classes: number): Point {
  let [x, y, total] = [0, 0, 1e-12];
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    const p = cells[cell * classes + label]!;
    x += p * (cell % CELLS);
    y += p * Math.floor(cell / CELLS);
    total += p;
  }
  return [x / total, y / total];
}

/**
 * Whether the first point lies to the second as the relation says, the stated axis being the one on which they are further apart; null for
 * other relations.
 */
export function holds(relation: SceneSpec['parts']['relation'], [[ax, ay], [bx, by]]: [Point, Point]): boolean | null {
  const [dx, dy] = [ax - bx, ay - by];
  switch (relation) {
    case 'left of':
      return dx < 0 && -dx > Math.abs(dy);
    case 'right of':
      return dx > 0 && dx > Math.abs(dy);
    case 'above':
      return dy < 0 && -dy > Math.abs(dx);
    case 'below':
      return dy > 0 && dy > Math.abs(dx);
    default:
      return null;
  }
}
