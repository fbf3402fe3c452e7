import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '@controllab/core-blocks';
import { emojiScenes, trainingMix, type SceneMix } from '@controllab/emoji-scenes';
import type { RgbImage } from '@controllab/data';
import { denoisingBatches, latentPool, openLatentPool, type DenoisingBatchData, type LatentPhase } from '@controllab/training';
import { tokenizerReference } from '../base/tokenizer.ts';
import { MINI_SCHEDULE, miniVae } from '../networks/models.ts';
import { normaliseLatents, posteriorMeans } from '../networks/autoencoder.ts';
import { loadWeights, readStatistics } from '../weights.ts';
import { denoisingData } from './denoising.ts';

const parent = mkdtempSync(path.join(os.tmpdir(), 'denoising-'));
afterAll(() => rmSync(parent, { recursive: true }));

const ROW = 4 * 16 * 16;

/** A pool of six scenes, whose latents are those of no picture: `scale` times the scene's number and a ramp. */
async function pool(from: number, scale: number, mix: SceneMix): Promise<LatentPhase> {
  const latents = path.join(parent, `${from}.safetensors`);
  const data = Float32Array.from({ length: 6 * ROW }, (_, i) => scale * Math.floor(i / ROW) + (i % 7) / 8);
  writeSafetensors(latents, { latents: { data, shape: [6, 4, 16, 16] } });
  return { from, latents, dataset: (await emojiScenes({ tier: 'core', seed: 1, split: 'train', mix })).reference };
}

/**
 * What the batches of the embedded default's own training were made of when its weights were trained, which is what they still are made of:
 * every 512th value of `sample` and `target` (two a scene), and the captions' ids without their padding.
 */
const TRAINED_ON = [
  {
    step: 4,
    indices: [4, 1, 4, 0],
    timesteps: [4, 442, 590, 848],
    sample: [
      4.134284496307373, 4.264491558074951, 1.843698501586914, 1.435424566268921, 1.338429570198059, 2.5707526206970215,
      0.06910865008831024, -1.5772042274475098,
    ],
    target: [
      0.5484488010406494, 0.8735002875328064, 0.2427828162908554, -0.4326859414577484, -4.141762733459473, -3.3847298622131348,
      0.01657010242342949, -0.5067073106765747,
    ],
    ids: [
      [1, 4, 35, 12, 13, 212, 10, 4, 30, 11, 2],
      [1, 4, 204, 14, 13, 4, 156, 10, 4, 34, 11, 2],
      [1, 2],
      [1, 4, 7, 113, 10, 4, 33, 11, 2],
    ],
  },
  {
    step: 5,
    indices: [3, 3, 0, 1],
    timesteps: [210, 490, 715, 813],
    sample: [
      -2.513103723526001, -3.444094181060791, -1.8955377340316772, -2.215519428253174, -0.47444573044776917, -1.2738006114959717,
      -0.8849919438362122, 0.5370608568191528,
    ],
    target: [
      -0.35384419560432434, -0.7346345782279968, 1.2817100286483765, 2.025758981704712, -0.22487004101276398, -0.7420646548271179,
      0.5186819434165955, 0.8124012351036072,
    ],
    ids: [
      [1, 4, 138, 15, 4, 57, 10, 4, 32, 11, 2],
      [1, 4, 138, 15, 4, 57, 10, 4, 32, 11, 2],
      [1, 4, 113, 19, 198, 10, 4, 33, 11, 2],
      [1, 4, 204, 14, 13, 4, 156, 10, 4, 34, 11, 2],
    ],
  },
];

it.each(TRAINED_ON)('batches of the embedded default are those that it was trained on: step $step', async (expected) => {
  const phases = [await pool(0, 1, trainingMix), await pool(5, -1, { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 })];
  const recipe = { batchSize: 4, promptDrop: 0.25, timesteps: 'stratified' } as const;
  const tokenizer = tokenizerReference('core');
  const batch = await denoisingBatches({ phases, tokenizer, schedule: MINI_SCHEDULE, prediction: 'v', recipe, seed: 3 });
  const { indices, inputs } = await batch(expected.step);
  expect(indices).toEqual(expected.indices);
  expect([...inputs['timesteps']!.data]).toEqual(expected.timesteps);
  for (const name of ['sample', 'target'] as const) {
    const { data, shape } = inputs[name]!;
    expect(shape).toEqual([4, 4, 16, 16]);
    for (const [i, value] of expected[name].entries()) expect(data[512 * i], `${name}[${512 * i}]`).toBeCloseTo(value, 5);
  }
  const ids = (n: number) => [...inputs['ids']!.data.subarray(24 * n, 24 * n + 24)].filter((id) => id !== 0);
  expect([0, 1, 2, 3].map(ids)).toEqual(expected.ids);
});

describe('data of a denoising stage', () => {
  const directory = path.join(parent, 'runs', 'mini-sd');
  const said: string[] = [];
  const options = { directory, tier: 'core', seed: 3, output: { write: (text: string) => said.push(text) } } as const;
  const vae = loadWeights('vae', 'core', miniVae());
  const source = { tier: 'core', seed: 7, split: 'train', mix: trainingMix } as const;
  const made = () => denoisingData(options, vae, { phases: [{ from: 0, source }], scenes: 66, batchSize: 2, promptDrop: 0 });

  it('is encoded into a folder that is not there yet, normalised, and found again', async () => {
    const { inputs, batches } = await made();
    expect(inputs['sample']!.shape).toEqual([2, 4, 16, 16]);
    const { phases } = batches.data as DenoisingBatchData;
    const { count, of } = openLatentPool(phases[0]!.latents as string);
    expect(count).toBe(66);
    const latents = Float32Array.from(Array.from({ length: count }, (_, i) => [...of(i)]).flat());
    const mean = latents.reduce((sum, x) => sum + x, 0) / latents.length;
    const variance = latents.reduce((sum, x) => sum + (x - mean) ** 2, 0) / latents.length;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(variance - 1)).toBeLessThan(0.3);
    // Values of the pool as the weights' own training encoded it.
    expect(latents[0]).toBeCloseTo(0.859389, 4);
    expect(latents[20000]).toBeCloseTo(-0.025376, 4);
    expect(latents[60000]).toBeCloseTo(-0.26419, 4);
    expect(said).toEqual(['encoded 66 of 66 pictures\n']);
    const again = await made();
    expect(again.batches.data).toEqual(batches.data);
    expect(said).toHaveLength(1);
    const { default: open } = (await import(batches.module.href)) as { default: typeof denoisingBatches };
    const { inputs: fed } = await (await open(batches.data as DenoisingBatchData))(0);
    expect(Object.fromEntries(Object.entries(fed).map(([name, { shape }]) => [name, shape]))).toEqual(
      Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape])),
    );
  });

  it('is the same, bit for bit, where only some of many scenes are encoded', async () => {
    const { phases } = (await made()).batches.data as DenoisingBatchData;
    const whole = openLatentPool(phases[0]!.latents as string);
    const file = path.join(parent, 'some.safetensors');
    const encode = async (images: readonly RgbImage[]) =>
      normaliseLatents(await posteriorMeans(vae.tensors, images, {}), readStatistics(vae.metadata), 'forward');
    const dataset = await emojiScenes(source);
    await latentPool(file, { dataset, examples: 3_000_000, only: [2, 3, 60, 2_999_999], encoder: 'mini', encode, say: () => {} });
    const some = openLatentPool(file);
    expect(some.count).toBe(3_000_000);
    for (const index of [2, 3, 60]) expect(some.of(index)).toEqual(whole.of(index));
    expect(some.of(2_999_999)).toHaveLength(ROW);
    expect(() => some.of(4)).toThrow(/has no latents of example 4/);
  });

  it('is encoded again when its file is damaged', async () => {
    const [name] = readdirSync(directory);
    const file = path.join(directory, name!);
    const bytes = readFileSync(file);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 5]! ^= 1;
    writeFileSync(file, damaged);
    await made();
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(said.some((text) => text.includes(`${name} is damaged`))).toBe(true);
    expect(existsSync(file)).toBe(true);
  });
});
