import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canny, decodeImage, openImageSource, type ImageSource } from '@controllab/data';
import { evaluate, type Networks } from './evaluate.ts';
import { metricNames } from './metric-table.ts';
import { checkQuestion, type Asked } from './question.ts';

const SIDE = 16;
let root: string;
const at = (name: string) => path.join(root, name);

/** A grey PNG, or one in colours, of a function of the place. */
async function put(name: string, value: (x: number, y: number) => number | readonly [number, number, number], side = SIDE) {
  const pixels = Array.from({ length: side * side }, (_, i) => value(i % side, Math.floor(i / side)));
  const channels = typeof pixels[0] === 'number' ? 1 : 3;
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  await sharp(Uint8Array.from(pixels.flat()), { raw: { width: side, height: side, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toFile(at(name));
}

/** A square of one colour on another. */
const square = (from: number, to: number) => (x: number, y: number) =>
  x >= from && x < to && y >= from && y < to ? ([250, 40, 40] as const) : ([20, 20, 120] as const);

beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'fidelity-'));
  for (const [name, picture] of [
    ['2', square(4, 12)],
    ['10', square(5, 11)],
  ] as const) {
    await put(`pictures/${name}.png`, picture);
    const { rgb, width, height } = await decodeImage(fs.readFileSync(at(`pictures/${name}.png`)), name);
    const found = canny(rgb, width, height);
    await put(`edges/${name}.png`, (x, y) => found[y * SIDE + x]!);
    await put(`shifted/${name}.png`, (x, y) => (x === 0 ? 0 : found[y * SIDE + x - 1]!));
  }
  // Another extension orders names otherwise; a map of no image is left out.
  fs.renameSync(at('edges/2.png'), at('edges/2.PNG'));
  await put('edges/3.png', () => 255);
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const none: Networks = { network: null, clip: null, predictor: null };
async function run(metrics: string, sets: { conditions?: string; predicted?: string; generated?: string }) {
  const open = async (name: string | undefined): Promise<ImageSource | null> => (name === undefined ? null : openImageSource(at(name)));
  const asked: Asked = {
    metrics: metricNames(metrics),
    generated: (await open(sets.generated ?? 'pictures'))!,
    reference: null,
    captions: null,
    conditions: await open(sets.conditions),
    predicted: await open(sets.predicted),
  };
  const evaluation = await evaluate(checkQuestion(asked), none, () => {});
  const values = Object.fromEntries(
    evaluation.scores.map(({ quantity, value }) => [quantity, typeof value === 'number' ? value : value.value]),
  );
  return { ...evaluation, values };
}

describe('edges', () => {
  it('are found again in the images and held against the maps of the same names', async () => {
    const same = await run('edges', { conditions: 'edges' });
    expect(same.values).toEqual({ 'Edge F1 (exact)': 1, 'Edge F1 (1 px)': 1 });
    expect(same.images[0]!.values).toEqual(Float64Array.of(1, 1));
    expect(same.notes).toEqual([expect.stringMatching(/^1 of 3 maps in .*edges belong to no image and were left out\.$/)]);
    expect(same.scores.map(({ by, group }) => [by, group])).toEqual([
      ['Canny 100/200', 'condition'],
      ['Canny 100/200', 'condition'],
    ]);
  });

  it('one pixel off agree within one pixel only', async () => {
    const { values, notes } = await run('edges', { conditions: 'shifted' });
    expect(values['Edge F1 (1 px)']).toBe(1);
    expect(values['Edge F1 (exact)']).toBeGreaterThan(0);
    expect(values['Edge F1 (exact)']).toBeLessThan(0.9);
    expect(notes).toEqual([]);
  });
});

describe('maps that an estimator finds', () => {
  it('of depth are compared in bytes', async () => {
    for (const name of ['2', '10']) {
      await put(`depth/${name}.png`, (x) => 10 * x);
      await put(`found-depth/${name}.png`, (x, y) => 10 * x + (name === '2' ? 0 : y % 2 === 0 ? 8 : 0));
    }
    const { values, images } = await run('depth', { conditions: 'depth', predicted: 'found-depth' });
    expect(images[0]!.values).toEqual(Float64Array.of(0, Math.sqrt(32)));
    expect(values['Depth RMSE']).toBeCloseTo(Math.sqrt(32) / 2, 12);
  });

  it('of classes are counted over the set and by image; 255 is left out', async () => {
    for (const name of ['2', '10']) {
      await put(`labels/${name}.png`, (x, y) => (y === 0 ? 255 : x < 8 ? 0 : 3));
      await put(`found-labels/${name}.png`, (x) => (x < (name === '2' ? 8 : 4) ? 0 : 3));
    }
    const { values, notes } = await run('miou', { conditions: 'labels', predicted: 'found-labels' });
    // Of 16 columns by image 10: class 0 has 4 of 8, class 3 has 8 of 12. Over both: 12 of 16, 16 of 20.
    expect(values['mIoU']).toBeCloseTo((12 / 16 + 16 / 20) / 2, 12);
    expect(values['mIoU, mean over images']).toBeCloseTo((1 + (4 / 8 + 8 / 12) / 2) / 2, 12);
    expect(notes).toEqual(['mIoU is over the 2 classes that the maps show.']);
  });

  it('that are soft are compared by structure, at five scales where they are large enough', async () => {
    const small = await run('ssim', { conditions: 'edges', predicted: 'shifted' });
    expect(Object.keys(small.values)).toEqual(['SSIM']);
    expect(small.values['SSIM']).toBeLessThan(0.9);
    expect(small.notes[0]).toBe('MS-SSIM takes maps of at least 176 pixels a side; 2 of 2 are smaller.');
    await put('large/a.png', (x, y) => (x * y) % 256, 180);
    const same = await run('ssim', { generated: 'large', conditions: 'large', predicted: 'large' });
    expect(same.values['SSIM']).toBeCloseTo(1, 12);
    expect(same.values['MS-SSIM']).toBeCloseTo(1, 12);
  });
});

describe('the question', () => {
  it('is refused by name where maps are missing, do not fit, or are in colours', async () => {
    await expect(run('edges,depth', {})).rejects.toThrow(
      'edges, depth needs the maps that the images were conditioned on: --condition FOLDER, or a .zip',
    );
    await expect(run('depth', { conditions: 'edges' })).rejects.toThrow(
      'depth needs the maps that an estimator of yours finds in the images',
    );
    await expect(run('edges', { conditions: 'edges', predicted: 'edges' })).rejects.toThrow(/edges: none of edges looks at these maps/);
    await put('lacking/2.png', () => 0);
    await expect(run('edges', { conditions: 'lacking' })).rejects.toThrow(
      /edges needs a map of the same name for each image: 1 of 2 have none in .*lacking: 10\.png/,
    );
    await put('twice/2.png', () => 0);
    fs.copyFileSync(at('twice/2.png'), at('twice/2.jpg'));
    await expect(run('edges', { conditions: 'twice' })).rejects.toThrow(/twice holds two maps of one image: 2\.jpg and 2\.png/);
    await put('sizes/2.png', () => 0, 8);
    await put('sizes/10.png', () => 0, 8);
    await expect(run('edges', { conditions: 'sizes' })).rejects.toThrow(/sizes: 2\.png is 8 x 8, its image 16 x 16/);
    await expect(run('depth', { conditions: 'edges', predicted: 'pictures' })).rejects.toThrow(
      '2.png, the predicted depth: expected a grey map, got the colour 20, 20, 120 at 0, 0',
    );
  });
});
