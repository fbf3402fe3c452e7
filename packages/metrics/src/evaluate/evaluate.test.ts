import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource, Skipped, type ImageSource } from '@controllab/data';
import { writeReport } from '@controllab/report';
import type { ClipTowers } from '../clip/towers.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { NO_PROVENANCE } from '../testing/no-provenance.ts';
import { evaluate, statisticsOf, type Networks } from './evaluate.ts';
import { evaluationReport } from './evaluation-report.ts';
import { METRICS, type MetricName } from './metric-table.ts';
import { checkQuestion, type Asked } from './question.ts';
import { decoded, type ReadSet } from './read-set.ts';
import { quoted } from './score.ts';

let root: string;
const at = (name: string) => path.join(root, name);

/** 24 pictures of one colour each; `shift` makes a set brighter. */
async function pictures(folder: string, shift: number): Promise<void> {
  fs.mkdirSync(at(folder));
  await Promise.all(
    Array.from({ length: 24 }, (_, i) => {
      const [r, g, b] = [(i * 37) % 180, (i * 91) % 180, (i * 53) % 180].map((value) => value + shift) as [number, number, number];
      return sharp({ create: { width: 8 + (i % 3), height: 8, channels: 3, background: { r, g, b } } })
        .png()
        .toFile(at(`${folder}/${i}.png`));
    }),
  );
}

beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'evaluate-'));
  await pictures('generated', 5);
  await pictures('reference', 25);
  // A copy of a reference and one of a generated image, and what is no image.
  fs.copyFileSync(at('reference/3.png'), at('generated/copied.png'));
  fs.copyFileSync(at('generated/5.png'), at('generated/again.png'));
  fs.writeFileSync(at('generated/notes.md'), '');
  // One that is translucent: converted, and counted.
  await sharp({ create: { width: 9, height: 8, channels: 4, background: { r: 250, g: 0, b: 0, alpha: 0.5 } } })
    .png()
    .toFile(at('generated/translucent.png'));
});
afterAll(() => fs.rmSync(root, { recursive: true }));

/** A network whose features are an image's mean colour. */
const colours: FeatureExtractor = {
  name: 'colours',
  weightsHash: 'none',
  dimension: 3,
  batchSize: 5,
  preprocess: {
    name: 'mean',
    size: 1,
    apply: ({ rgb }) =>
      Float32Array.from(
        { length: 3 },
        (_, c) => rgb.reduce((sum, value, i) => (i % 3 === c ? sum + value : sum), 0) / (rgb.length / 3) / 255,
      ),
  },
  run: (batch) => Promise.resolve(Float32Array.from(batch.data)),
  release: () => Promise.resolve(),
};

/** Captions red, green and blue point where these colours do. */
const towers: ClipTowers = {
  name: 'colour words',
  image: colours,
  tokenizer: {
    context: 1,
    encode: (captions) => ({
      ids: { data: Int32Array.from(captions, (caption) => ['red', 'green', 'blue'].indexOf(caption)), shape: [captions.length, 1] },
      truncated: [],
    }),
  },
  text: {
    weightsHash: 'none',
    context: 1,
    dimension: 3,
    batchSize: 4,
    run: ({ data }) =>
      Promise.resolve(Float32Array.from({ length: data.length * 3 }, (_, i) => (data[Math.floor(i / 3)] === i % 3 ? 1 : 0))),
    release: () => Promise.resolve(),
  },
};
const head = { name: 'redness', weight: Float64Array.of(1, 0, 0), bias: 0.5 };

const open = (name: string) => openImageSource(at(name));
const captionsFor = (names: readonly string[]) => new Map(names.map((name, i) => [name, [['red', 'green', 'blue'][i % 3]!]]));
/** A question about both sets. */
async function ask(metrics: string, more: Partial<Asked> = {}): Promise<Asked> {
  const generated = await open('generated');
  const names = metrics.split(',') as MetricName[];
  return {
    metrics: names,
    generated,
    reference: names.some((name) => METRICS[name].reference !== 'none') ? await open('reference') : null,
    captions: names.includes('clip') ? captionsFor(generated.names) : null,
    ...more,
  };
}
const networks: Networks = { network: colours, clip: { towers, measure: 'cosine' }, predictor: head };
const run = async (metrics: string, more?: Partial<Asked>, others: Partial<Networks> = {}) =>
  evaluate(checkQuestion(await ask(metrics, more)), { ...networks, ...others }, () => {});

describe('evaluate', () => {
  it('gives no score that takes more different images than a set holds, and says so', async () => {
    fs.mkdirSync(at('alike'));
    for (let i = 0; i < 24; i++) fs.copyFileSync(at('generated/5.png'), at(`alike/${i}.png`));
    const { scores, notes } = await run('fid,kid,c2st,cmmd', { generated: await open('alike') });
    expect(scores.map(({ quantity }) => quantity)).toEqual(['FD']);
    expect(notes).toEqual([
      'FD (colours, mean) is not corrected for its bias: that takes 16 different images of either set.',
      'KD (colours, mean) is not given: that takes 2 different images of either set.',
      'The two-sample test (colours, mean) is not given: that takes 20 different images of either set.',
      'CMMD (CLIP colour words) is not given: that takes 2 different images of either set.',
    ]);
  });

  it('measures everything in one reading and reports it', async () => {
    const counts: string[] = [];
    const asked = await ask('fid,kid,prdc,mind,c2st,clip,aesthetic,cmmd');
    const evaluation = await evaluate(checkQuestion(asked), networks, (set, count) => counts.push(`${set} ${count}`));
    expect(counts.filter((text) => text.startsWith('generated'))).toHaveLength(27);
    expect(counts.at(-1)).toBe('reference 24');
    const value = (label: string, set = 'generated') => {
      const found = evaluation.scores.find((score) => quoted(score) === label && score.set === set)!.value;
      return typeof found === 'number' ? found : found.value;
    };
    expect(evaluation.scores.map((score) => `${quoted(score)}, ${score.set}`)).toEqual([
      'FD (colours, mean), generated',
      'FD, bias-corrected (colours, mean), generated',
      'KD (colours, mean), generated',
      'Precision (colours, mean), generated',
      'Recall (colours, mean), generated',
      'Density (colours, mean), generated',
      'Coverage (colours, mean), generated',
      'MIND (colours, mean), generated',
      'Accuracy (colours, mean), generated',
      'Spread of the raters (colours, mean), generated',
      'AUC (colours, mean), generated',
      'p (colours, mean), generated',
      'CLIP cosine (colour words), generated',
      'redness (colour words), generated',
      'redness (colour words), reference',
      'CMMD (CLIP colour words), generated',
    ]);
    // The references are 20 of 255 brighter in every channel.
    expect(value('FD (colours, mean)')).toBeGreaterThan(3 * (15 / 255) ** 2);
    expect(value('FD (colours, mean)')).toBeLessThan(3 * (25 / 255) ** 2);
    expect(value('redness (colour words)', 'reference')).toBeGreaterThan(0.5);

    // Scores belong to their images: reading order is natural, batches of five leave a rest.
    const { names } = evaluation.generated;
    expect(names.slice(0, 4)).toEqual(['0.png', '1.png', '2.png', '3.png']);
    const [r, g, b] = [116, 98, 164]; // 3.png
    expect(evaluation.images.find(({ id }) => id === 'aesthetic')!.values[3]).toBeCloseTo(r / Math.hypot(r, g, b) + 0.5, 5);
    expect(evaluation.images.find(({ id }) => id === 'clip')!.values[3]).toBeCloseTo(r / Math.hypot(r, g, b), 5); // its caption is red

    expect(evaluation.duplicates).toEqual({
      generated: [['5.png', 'again.png']],
      reference: [],
      across: [{ generated: ['copied.png'], reference: ['3.png'] }],
    });
    const copies = '1 of 27 generated images are copies of others in the set;';
    expect(evaluation.notes).toEqual([
      `FD (colours, mean): ${copies} its interval counts distinct ones.`,
      `KD (colours, mean): ${copies} its interval counts distinct ones.`,
      `The two-sample test (colours, mean): ${copies} its raters see distinct ones.`,
      `CMMD (CLIP colour words): ${copies} its interval counts distinct ones.`,
    ]);
    expect(evaluation.generated).toMatchObject({
      width: [8, 10],
      height: [8, 8],
      skipped: { count: 1 },
      conversions: new Map([['alpha', 1]]),
    });

    const report = await evaluationReport({
      evaluation,
      sources: { generated: asked.generated, reference: await open('reference') },
      provenance: NO_PROVENANCE,
      attribution: [],
    });
    await writeReport(at('report'), report);
    const page = fs.readFileSync(at('report/index.html'), 'utf8');
    for (const text of [
      '27 generated images against 24 reference images',
      'transparency dropped',
      'notes.md',
      '5.png, again.png',
      'copied.png, reference 3.png',
    ])
      expect(page).toContain(text);
    const grid = report.sections.find(({ id }) => id === 'aesthetic')!.blocks.find((block) => block.kind === 'image-grid')!;
    expect(grid.rows.map(({ label, images }) => [label, images[0]!.alt])).toEqual([
      ['worst', '5.png'],
      ['worst', '20.png'],
      ['best', 'translucent.png'],
      ['best', '8.png'],
    ]);
    const results = JSON.parse(fs.readFileSync(at('report/results.json'), 'utf8')) as { sections: { id: string }[] };
    expect(results.sections.map(({ id }) => id)).toEqual([
      'distance',
      'overlap',
      'two-sample',
      'per-image',
      'remarks',
      'clip',
      'aesthetic',
      'every-image',
      'images',
      'duplicates',
    ]);
  });

  it('takes statistics in place of references, for a Frechet distance of the same network and preprocessing only', async () => {
    const { reference } = await run('fid');
    const statistics = await statisticsOf(reference as ReadSet, colours);
    const again = await run('fid', { reference: statistics });
    expect(again.scores).toHaveLength(1);
    expect(again.scores[0]!.value).toBeCloseTo((await run('fid')).scores[0]!.value as number, 12);
    expect(again.notes).toEqual([
      'FD (colours, mean) is not corrected for its bias: that takes the reference images, not only their statistics.',
    ]);
    await expect(
      run('fid', { reference: statistics }, { network: { ...colours, preprocess: { ...colours.preprocess, name: 'clean' } } }),
    ).rejects.toThrow(
      "the reference's statistics were made in another way: preset 'mean', here 'clean'; make them again from the reference images (--save-reference)",
    );
    const tf1 = { ...statistics, provenance: { ...statistics.provenance, preset: 'tf1' } };
    await expect(run('fid', { reference: tf1 })).rejects.toThrow("preset 'tf1', here 'mean'; give --preset tf1");
    for (const provenance of [statistics.provenance, null])
      await expect(run('aesthetic', { reference: { ...statistics, provenance } })).rejects.toThrow(
        'the reference is statistics, which fid alone takes: give the images for aesthetic, or leave --reference out',
      );
    await expect(run('fid,kid,prdc', { reference: statistics })).rejects.toThrow(
      'kid, prdc needs the reference images; statistics hold only their mean and covariance',
    );
  });

  it('takes statistics that do not say what made them, and says so; of other dimensions before an image is read', async () => {
    const unknown = { n: null, mean: Float64Array.of(0.4, 0.4, 0.4), provenance: null, imageSet: null };
    const comoment = { data: Float64Array.of(0.04, 0, 0, 0, 0.04, 0, 0, 0, 0.04), rows: 3, columns: 3 };
    const asked = await ask('fid', { reference: { ...unknown, comoment } });
    const evaluation = await evaluate(checkQuestion(asked), networks, () => {});
    expect(evaluation.notes.at(-1)).toMatch(/do not say what made them\. .*colours.*--preset pytorch-fid.*--preset tf1/);
    const sources = { generated: asked.generated, reference: null };
    const report = await evaluationReport({ evaluation, sources, provenance: NO_PROVENANCE, attribution: [] });
    expect(report.takeaway).toContain('27 generated images against the statistics of an unknown number of images');
    const counts: number[] = [];
    const other = { ...unknown, mean: Float64Array.of(0, 0), comoment: { data: Float64Array.of(1, 0, 0, 1), rows: 2, columns: 2 } };
    const wrong = checkQuestion(await ask('fid', { reference: other }));
    await expect(evaluate(wrong, networks, (_, count) => counts.push(count))).rejects.toThrow(
      "the reference's statistics are of 2 features, colours has 3: they are of another network",
    );
    expect(counts).toEqual([]);
  });

  it('says what a network that sees the middle square alone does not see', async () => {
    const crops = { ...colours, preprocess: { ...colours.preprocess, crops: true } };
    const { notes } = await run('clip', {}, { clip: { towers: { ...towers, image: crops }, measure: 'cosine' } });
    // 8 x 8, 9 x 8 and 10 x 8 pictures in turn, two copies and one more of 9 x 8
    expect(notes).toEqual([
      'CLIP sees the middle square of an image: of 18 of 27 generated images the sides (or top and bottom) are cut off, up to 20% of one.',
    ]);
  });

  it('says before an image is read that a predictor is another CLIP\u2019s, and beside its scores where that fits none the less', async () => {
    const counts: number[] = [];
    const asked = checkQuestion(await ask('aesthetic'));
    const wide = { ...head, weight: new Float64Array(768) };
    await expect(evaluate(asked, { ...networks, predictor: wide }, (_, count) => counts.push(count))).rejects.toThrow(
      'redness (colour words): the predictor takes embeddings of 768 dimensions, got 3',
    );
    expect(counts).toEqual([]);
    const predictor = { ...head, backbone: 'ViT-L/14' };
    expect((await run('aesthetic', {}, { predictor })).notes).toEqual([
      'redness (colour words): the predictor was trained on embeddings by CLIP ViT-L/14; those of another mean something else to it.',
    ]);
    const own = { towers: { ...towers, name: 'ViT-L/14' }, measure: 'cosine' } as const;
    expect((await run('aesthetic', {}, { predictor, clip: own })).notes).toEqual([]);
  });

  it('takes the captions of a webdataset, and says which are missing', async () => {
    const png = fs.readFileSync(at('generated/1.png'));
    const shard = (path: string, captions: readonly (string | null)[]): ImageSource => ({
      path,
      kind: 'webdataset',
      names: captions.map((_, i) => `${i + 1}.png`),
      skipped: new Skipped(),
      async *entries() {
        for (const [i, caption] of captions.entries()) yield { name: `${i + 1}.png`, bytes: png, caption };
      },
    });
    const { images } = await run('clip', { generated: shard('all.tar', ['red', 'blue']), reference: null, captions: null });
    expect(images[0]!.values).toHaveLength(2);
    await expect(run('clip', { generated: shard('some.tar', ['red', null]), reference: null, captions: null })).rejects.toThrow(
      /some\.tar: the captions do not fit the images: 1 of 2 images have none: 2\.png/,
    );
  });

  it('measures one image, where that means anything', async () => {
    fs.mkdirSync(at('one'));
    fs.copyFileSync(at('generated/1.png'), at('one/1.png'));
    const one = await open('one');
    const evaluation = await run('clip,aesthetic', { generated: one, captions: captionsFor(['1.png']) });
    await writeReport(
      at('report-of-one'),
      await evaluationReport({ evaluation, sources: { generated: one, reference: null }, provenance: NO_PROVENANCE, attribution: [] }),
    );
    expect(evaluation.scores[0]!.value).toMatchObject({ n: 1, interval: null });
    for (const [metrics, message] of [
      ['fid', 'fid needs at least 2 generated images, got 1'],
      ['kid', 'kid needs at least 2 generated images, got 1'],
      ['prdc', 'prdc needs at least 6 generated images, got 1'],
      ['c2st', 'c2st needs at least 20 generated images, got 1'],
    ] as const) {
      await expect(run(metrics, { generated: one })).rejects.toThrow(message);
    }
    await expect(run('fid', { reference: one })).rejects.toThrow('fid needs at least 2 reference images, got 1');
    await expect(run('is,prdc,c2st', { generated: one })).rejects.toThrow(
      'prdc needs at least 6 generated images, got 1; leave it out with --metrics is',
    );
    await expect(run('prdc,fid', { generated: one })).rejects.toThrow('got 1; see --metrics for those that need fewer');
  });

  it.each([
    [8, 5],
    // 24 megapixels of grey take 96 MB as they are stored and as RGB: two of them are held, not five
    [6000, 3],
  ])('decodes pictures of %d pixels a side ahead as far as there is room', async (width, pulledFirst) => {
    const png = await sharp({ create: { width, height: Math.ceil(width / 1.5), channels: 3, background: '#123456' } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    let pulled = 0;
    const source: ImageSource = {
      ...(await open('generated')),
      async *entries() {
        for (; pulled < 8;) yield { name: `${++pulled}.png`, bytes: png, caption: null };
      },
    };
    const images = decoded(source);
    expect((await images.next()).value.entry.name).toBe('1.png');
    expect(pulled).toBe(pulledFirst);
    let count = 1;
    for await (const { entry, image } of images) {
      expect(entry.name).toBe(`${++count}.png`);
      expect(image.width).toBe(width);
      if (width > 8) break;
    }
    if (width === 8) expect(count).toBe(8);
  });

  it('names the image that cannot be decoded', async () => {
    fs.mkdirSync(at('broken'));
    fs.copyFileSync(at('generated/1.png'), at('broken/1.png'));
    fs.writeFileSync(at('broken/2.png'), fs.readFileSync(at('generated/2.png')).subarray(0, 60));
    await expect(run('fid', { generated: await open('broken') })).rejects.toThrow(
      /broken: 2\.png cannot be decoded \(cut short, damaged, or no image\)/,
    );
  });

  it('names the image whose features are not finite', async () => {
    const broken = {
      ...colours,
      run: (batch: { data: ArrayLike<number> }) => Promise.resolve(Float32Array.from(batch.data, (x) => (x > 0.97 ? NaN : x))),
    };
    await expect(run('fid', {}, { network: broken })).rejects.toThrow(/colours: feature 0 of .*generated: translucent\.png is NaN/);
  });
});

describe('the question', () => {
  it('is checked before anything is loaded', async () => {
    const question = await ask('fid', { reference: null });
    expect(() => checkQuestion(question)).toThrow('fid needs a reference: --reference FOLDER');
    expect(() => checkQuestion({ ...question, metrics: ['clip'], captions: null })).toThrow('clip needs captions: --captions FILE.csv');
    expect(() => checkQuestion({ ...question, metrics: ['clip'], captions: new Map([['x.png', ['red']]]) })).toThrow(
      /27 of 27 images have none: 0\.png, .*; 1 of 1 name no image: x\.png/,
    );
  });

  it('leaves nothing that was given out of account', async () => {
    const question = await ask('fid');
    expect(() => checkQuestion({ ...question, captions: captionsFor(['0.png']) })).toThrow(
      'none of fid reads captions: add clip to --metrics, or leave --captions out',
    );
    expect(() => checkQuestion({ ...question, metrics: ['is'] })).toThrow('none of is looks at a reference: leave --reference out');
  });

  it('for an Inception Score needs Inception', async () => {
    await expect(run('is')).rejects.toThrow("the Inception Score needs FID's Inception network, not colours");
  });
});
