import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canny, crc32, decodeImage, openImageSource, type ImageSource } from '@controllab/data';
import { NO_PROVENANCE } from '../testing/no-provenance.ts';
import { evaluate, type Evaluation, type Networks } from './evaluate.ts';
import { evaluationReport, setRemarks } from './evaluation-report.ts';
import { MapReader } from './map-reader.ts';
import type { MetricName } from './metric-table.ts';
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

/** A grey PNG of a function of the place, in 1 to 16 bits. */
function putBits(name: string, bits: number, value: (x: number, y: number) => number): void {
  const rows = Array.from({ length: SIDE }, (_, y) => {
    const text = Array.from({ length: SIDE }, (__, x) => value(x, y).toString(2).padStart(bits, '0')).join('');
    return [0, ...text.match(/.{8}/g)!.map((byte) => parseInt(byte, 2))];
  });
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    const body = Buffer.concat([Buffer.from(type), data]);
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body) >>> 0);
    return Buffer.concat([length, body, sum]);
  };
  const header = Uint8Array.of(0, 0, 0, SIDE, 0, 0, 0, SIDE, bits, 0, 0, 0, 0);
  const pixels = deflateSync(Uint8Array.from(rows.flat()));
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(
    at(name),
    Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', new Uint8Array(0))]),
  );
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
async function run(metrics: string, sets: { conditions?: string; predicted?: string; generated?: string; canny?: Asked['canny'] }) {
  const open = async (name: string | undefined): Promise<ImageSource | null> => (name === undefined ? null : openImageSource(at(name)));
  const asked: Asked = {
    metrics: metrics.split(',') as MetricName[],
    generated: (await open(sets.generated ?? 'pictures'))!,
    reference: null,
    captions: null,
    conditions: await open(sets.conditions),
    predicted: await open(sets.predicted),
    ...(sets.canny === undefined ? {} : { canny: sets.canny }),
  };
  const evaluation = await evaluate(checkQuestion(asked), none, () => {});
  const values = Object.fromEntries(
    evaluation.scores.map(({ quantity, value }) => [quantity, typeof value === 'number' ? value : value.value]),
  );
  return { ...evaluation, values };
}

/** The tables and figures of an evaluation's report. */
async function reportBlocks(evaluation: Evaluation) {
  const { sections } = await evaluationReport({
    evaluation,
    sources: { generated: await openImageSource(at('pictures')), reference: null },
    provenance: NO_PROVENANCE,
    attribution: [],
  });
  return sections.flatMap(({ blocks }) => blocks).filter((block) => block.kind === 'table' || block.kind === 'image-grid');
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

  it('are found at the thresholds that the conditions were made at', async () => {
    // A weak edge: 20 of 255 brighter in one channel.
    for (const name of ['2', '10']) await put(`weak/${name}.png`, (x) => [x < 8 ? 20 : 40, 0, 0]);
    const found = canny((await decodeImage(fs.readFileSync(at('weak/2.png')), '2')).rgb, SIDE, SIDE, { low: 20, high: 60 });
    for (const name of ['2', '10']) await put(`weak-edges/${name}.png`, (x, y) => found[y * SIDE + x]!);
    const sets = { generated: 'weak', conditions: 'weak-edges' };
    expect((await run('edges', sets)).values['Edge F1 (1 px)']).toBe(0);
    const { values, scores } = await run('edges', { ...sets, canny: { low: 20, high: 60 } });
    expect([values['Edge F1 (exact)'], scores[0]!.by]).toEqual([1, 'Canny 20/60']);
  });

  it('one pixel off agree within one pixel only', async () => {
    const { values, notes } = await run('edges', { conditions: 'shifted' });
    expect(values['Edge F1 (1 px)']).toBe(1);
    expect(values['Edge F1 (exact)']).toBeGreaterThan(0);
    expect(values['Edge F1 (exact)']).toBeLessThan(0.9);
    expect(notes).toEqual([]);
  });

  it('are those of grey maps, also out of a lossy file, and nothing else is taken for one', async () => {
    for (const name of ['2', '10']) {
      const { rgb } = await decodeImage(fs.readFileSync(at(`shifted/${name}.png`)), name);
      const edge = (x: number, y: number) => rgb[3 * (y * SIDE + x)]!;
      // As lossy files have it: no two channels alike, no edge of 255, nothing of 0.
      await put(`tinted/${name}.png`, (x, y) => (edge(x, y) > 0 ? ([240, 247, 234] as const) : ([40, 36, 48] as const)));
      await put(`ones/${name}.png`, (x, y) => edge(x, y) / 255);
      await put(`black-on-white/${name}.png`, (x, y) => 255 - edge(x, y));
      await put(`none/${name}.png`, () => 0);
    }
    const [shifted, tinted] = [await run('edges', { conditions: 'shifted' }), await run('edges', { conditions: 'tinted' })];
    expect(tinted.values).toEqual(shifted.values);
    expect((await run('edges', { conditions: 'none' })).values['Edge F1 (1 px)']).toBe(0);
    await expect(run('edges', { conditions: 'ones' })).rejects.toThrow(
      /ones: 2\.png: expected edges in white, the brightest value is 1 of 255; edges of a map of 0 and 1 are to be written as 255/,
    );
    await expect(run('edges', { conditions: 'black-on-white' })).rejects.toThrow(
      /2\.png: \d+% of its pixels are white; edges are white on black/,
    );
    await expect(run('edges', { conditions: 'pictures' })).rejects.toThrow(/2\.png: expected a grey map, got the colour 20, 20, 120/);
  });
});

describe('maps that an estimator finds', () => {
  it('of depth are compared in bytes', async () => {
    for (const name of ['2', '10']) {
      await put(`depth/${name}.png`, (x) => 10 * x);
      await put(`found-depth/${name}.png`, (x, y) => 10 * x + (name === '2' ? 0 : y % 2 === 0 ? 8 : 0));
    }
    const evaluation = await run('depth', { conditions: 'depth', predicted: 'found-depth' });
    expect(evaluation.images[0]!.values).toEqual(Float64Array.of(0, Math.sqrt(32)));
    expect(evaluation.values['Depth RMSE']).toBeCloseTo(Math.sqrt(32) / 2, 12);
    const grid = (await reportBlocks(evaluation)).find(({ id }) => id === 'depth-ends')!;
    expect(grid.kind === 'image-grid' && grid.rows.map(({ label, images }) => [label, images[0]!.caption])).toEqual([
      ['worst', '5.657, 10.png'],
      ['best', '0.000, 2.png'],
    ]);
    expect(grid.kind === 'image-grid' && grid.caption).toBe('Worst and best Depth RMSE, the extreme ones first; lower is better');
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

  it('of classes are labels in any bits, never the brightness that a decoder makes of them', async () => {
    const labels = (x: number, y: number) => (x + y) % 2;
    for (const name of ['2', '10']) {
      await put(`mask-8/${name}.png`, labels);
      await put(`empty-8/${name}.png`, () => 0);
      putBits(`mask-1/${name}.png`, 1, labels);
      putBits(`mask-4/${name}.png`, 4, labels);
    }
    for (const conditions of ['mask-1', 'mask-4', 'mask-8'])
      for (const predicted of ['mask-1', 'mask-4', 'mask-8'])
        expect((await run('miou', { conditions, predicted })).values['mIoU'], `${predicted} of ${conditions}`).toBe(1);
    expect((await run('miou', { conditions: 'mask-1', predicted: 'empty-8' })).values['mIoU']).toBe(0.25);
    for (const name of ['2', '10']) {
      fs.mkdirSync(at('pgm'), { recursive: true });
      fs.writeFileSync(at(`pgm/${name}.pgm`), Buffer.concat([Buffer.from('P5\n# labels\n16 16 19\n'), Buffer.alloc(256, 1)]));
    }
    await expect(run('miou', { conditions: 'pgm', predicted: 'mask-8' })).rejects.toThrow(
      /pgm: 2\.pgm: a label map in values of 0 to 19 is stretched as it is decoded; write it in 8 bits/,
    );
  });

  it('of classes are refused out of lossy files: those have labels that nobody wrote', async () => {
    const save = async (name: string, as: (image: Sharp) => Sharp) => {
      fs.mkdirSync(at(name), { recursive: true });
      for (const map of ['2', '10']) {
        await put(`lossless/${map}.png`, (x) => (x < 7 ? 0 : 3));
        await as(sharp(at(`lossless/${map}.png`))).toFile(at(`${name}/${map}.img`));
      }
    };
    await save('as-jpeg', (image) => image.jpeg());
    await save('as-avif', (image) => image.avif());
    await save('as-webp', (image) => image.webp());
    // With a profile the pixels' chunk is not the first.
    await save('as-extended', (image) => image.webp().withIccProfile('srgb'));
    await save('as-lossless', (image) => image.webp({ lossless: true }).withIccProfile('srgb'));
    for (const [predicted, what] of Object.entries({
      'as-jpeg': 'a JPEG',
      'as-avif': 'an AVIF',
      'as-webp': 'a lossy WebP',
      'as-extended': 'a lossy WebP',
    }))
      await expect(run('miou', { conditions: 'lossless', predicted }), predicted).rejects.toThrow(
        `2.img is ${what}: labels must be lossless; save as PNG`,
      );
    expect((await run('miou', { conditions: 'lossless', predicted: 'as-lossless' })).values['mIoU']).toBe(1);
  });

  it('of masks in 0 and 255 have no mIoU: one class alone is left, whatever was predicted', async () => {
    for (const name of ['2', '10']) {
      await put(`white/${name}.png`, (x) => (x < 8 ? 0 : 255));
      await put(`less-white/${name}.png`, (x) => (x < 12 ? 0 : 255));
    }
    const { values, images, notes } = await run('miou', { conditions: 'white', predicted: 'less-white' });
    expect([values, images]).toEqual([{}, []]);
    expect(notes).toEqual([expect.stringMatching(/^mIoU is not given: 255 does not count, .* A mask must be 0 and 1\.$/)]);
    await expect(run('miou', { conditions: 'less-white', predicted: 'white' })).rejects.toThrow(
      /segmentationAgreement, 2\.png: expected labels from 0 to 254, or 255 in the target, .* predicted 255 at pixel 8; a mask must be 0 and 1/,
    );
  });

  it('of 16 bits are refused by every metric: their upper half alone would be compared', async () => {
    for (const name of ['2', '10']) {
      putBits(`deep/${name}.png`, 16, (x, y) => (x + y) % 20);
      putBits(`other-deep/${name}.png`, 16, (x) => x);
    }
    for (const metric of ['miou', 'depth', 'ssim'])
      await expect(run(metric, { conditions: 'deep', predicted: 'other-deep' }), metric).rejects.toThrow(
        /deep: 2\.png is a 16-bit map: its upper 8 bits alone would be compared; write it in 8 bits/,
      );
  });

  it('are told of in the report: what was read, converted, passed over and left out', async () => {
    for (const name of ['2', '10']) {
      await put(`told/${name}.png`, (x) => 10 * x);
      fs.mkdirSync(at('told-found'), { recursive: true });
      await sharp({ create: { width: SIDE, height: SIDE, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0.5 } } })
        .png()
        .toFile(at(`told-found/${name}.png`));
    }
    await put('told-found/3.png', () => 0);
    fs.writeFileSync(at('told/readme.md'), '');
    const evaluation = await run('depth', { conditions: 'told', predicted: 'told-found' });
    expect(setRemarks(evaluation)).toEqual([
      '1 other file beside the condition maps passed over: readme.md.',
      '2 predicted maps: transparency dropped, the colours below it kept as stored.',
    ]);
    expect(evaluation.notes).toEqual([expect.stringMatching(/^1 of 3 maps in .*told-found belong to no image and were left out\.$/)]);
    const sets = (await reportBlocks(evaluation)).find(({ id }) => id === 'sets')!;
    expect(sets.kind === 'table' && sets.rows.map(({ label, cells }) => [label, cells[0], cells[3], cells[5]])).toEqual([
      ['generated', 2, '16', 0],
      ['condition', 2, '16', 1],
      ['predicted', 2, '16', 0],
    ]);
  });

  it('in another order than the images are held as files, and decoded in their turn', async () => {
    for (const name of ['2', '10']) await put(`turned/${name}.png`, () => 7);
    const turned = await openImageSource(at('turned'));
    const pulled: string[] = [];
    const source: ImageSource = {
      ...turned,
      async *entries(only) {
        const entries = [];
        for await (const entry of turned.entries(only)) entries.push(entry);
        for (const entry of entries.reverse()) {
          pulled.push(entry.name);
          yield entry;
        }
      },
    };
    const reader = new MapReader(source, ['2.png', '10.png']);
    expect((await reader.of('2.png', { width: SIDE, height: SIDE })).name).toMatch(/turned: 2\.png$/);
    expect(pulled).toEqual(['10.png', '2.png']);
    expect(reader.read.names).toEqual(['2.png']); // what waits is not decoded
    expect((await reader.of('10.png', { width: SIDE, height: SIDE })).rgb[0]).toBe(7);
    await reader.close();
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
      /pictures: 2\.png: expected a grey map, got the colour 20, 20, 120 at 0, 0/,
    );
    fs.mkdirSync(at('one-stem'));
    for (const name of ['2.png', '2.jpg']) fs.copyFileSync(at('pictures/2.png'), at(`one-stem/${name}`));
    await expect(run('edges', { generated: 'one-stem', conditions: 'edges' })).rejects.toThrow(
      /one-stem holds two images that one map would belong to: 2\.jpg and 2\.png/,
    );
  });
});
