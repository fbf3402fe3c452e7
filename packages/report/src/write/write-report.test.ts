import { readlinkSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Block, Report } from '../model/report.ts';
import { ReportError } from '../model/report-error.ts';
import { writeIndex } from '../runs/write-index.ts';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { publishReport } from './publish-report.ts';
import { writeReport } from './write-report.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'report-'));
});
afterEach(() => rm(dir, { recursive: true }));

const withBlock = (block: Block): Report => ({
  ...SAMPLE_REPORT,
  lead: undefined,
  claims: SAMPLE_REPORT.claims.map(({ shownIn: _shownIn, ...claim }) => claim),
  sections: [{ id: 'only', title: 'Only', blocks: [block] }],
});
const read = (name: string) => readFile(path.join(dir, name), 'utf8');

describe('writeReport', () => {
  it('writes page, twin, tables, images and assets, and leaves no temporary file', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const files = (await readdir(dir, { recursive: true })).sort();
    const rows = (id: string, n: number) => [`images/${id}`, ...Array.from({ length: n }, (_, i) => `images/${id}/row-${i + 1}.png`)];
    expect(files).toEqual(
      [
        ...['assets', 'assets/plotly.min.js', 'assets/report.css', 'assets/report.js'],
        ...['images', ...rows('arms-by-prompts', 3), ...rows('film-strip', 4), 'images/film-strip/condition.png', ...rows('grid', 4)],
        ...['convergence-curve.csv', 'index.html', 'manifest.json', 'prompt-bars.csv', 'results.json', 'variants.csv'],
      ].sort(),
    );
    expect(await sharp(path.join(dir, 'images/grid/row-3.png')).metadata()).toMatchObject({ width: 5 * 64, height: 64 });
    expect(await sharp(path.join(dir, 'images/film-strip/condition.png')).metadata()).toMatchObject({ width: 64, height: 64 });
  });

  it('by several at once leaves one of them whole, and an index over it', async () => {
    const titles = ['one', 'two', 'three'];
    await Promise.all(
      titles.map(async (title) => {
        await writeReport(path.join(dir, 'report'), { ...SAMPLE_REPORT, title });
        await writeIndex(dir);
      }),
    );
    await publishReport(path.join(dir, 'report'), path.join(dir, 'published'), 'last');
    const [page, results] = await Promise.all(['report/index.html', 'report/results.json'].map(read));
    const { title } = JSON.parse(results!) as { title: string };
    expect(titles).toContain(title);
    expect(page).toContain(`<title>${title}</title>`);
    expect(await read('index.html')).toContain(title);
    expect((await readdir(dir, { recursive: true })).filter((name) => /lock-|want-|\.tmp$/.test(name))).toEqual([]);
  });

  it('takes over the lock of one that was killed', async () => {
    const lock = path.join(dir, 'lock-00000000-0000-4000-8000-000000000000');
    const owner = { host: hostname(), space: readlinkSync('/proc/self/ns/pid'), pid: process.pid, started: 'another boot/1' };
    await writeFile(lock, JSON.stringify(owner));
    await writeReport(dir, SAMPLE_REPORT);
    expect(await readdir(dir)).not.toContain(path.basename(lock));
  });

  it('is under three megabytes', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const files = await readdir(dir, { recursive: true, withFileTypes: true });
    const sizes = files.filter((file) => file.isFile()).map(async (file) => (await stat(path.join(file.parentPath, file.name))).size);
    expect((await Promise.all(sizes)).reduce((a, b) => a + b)).toBeLessThan(3e6);
  });

  it('gives every number n, seeds and interval, and every claim its verdict, in results.json', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const results = JSON.parse(await read('results.json'));
    expect(results.claims.map(({ results: of }: { results: { text: string }[] }) => of.map(({ text }) => text))).toEqual([
      ['reproduced', 'inconclusive'],
      ['not reproduced', 'reproduced'],
      ['reproduced'],
      ['reproduced', 'not judged: 1 training'],
      ['not judged: not measured'],
    ]);
    const [zero] = results.claims;
    expect(zero.results[0]).toMatchObject({ trainings: 5, family: 5, measured: { perTraining: [0.131, 0.118, 0.142, 0.109, 0.127] } });
    expect(zero.results[1].detectable).toBeGreaterThan(0.01);
    expect(results.claims[4].results[0].measured).toBeNull();
    const cell = results.sections[0].blocks[0].rows[0].cells[1];
    expect(cell).toMatchObject({
      n: 256,
      seeds: [1, 2, 3, 4, 5],
      confidence: 0.95,
      provenance: { weightsHash: 'sha256:0123456789abcdef' },
    });
    expect(cell.interval[0]).toBeLessThan(cell.value);
    const [, strip, grid] = results.sections[2].blocks;
    expect(strip).toMatchObject({ kind: 'film-strip', condition: { file: 'images/film-strip/condition.png', count: 1 } });
    expect(grid.rows[2].images[4]).toBeNull();
    expect(grid.rows[2].images[5]).toMatchObject({ file: 'images/grid/row-3.png', index: 4, count: 5 });
    expect(results.provenance.commit).toBe('3f9c2ab17d40');
  });

  it('says from where the smallest difference is counted that a run could have seen', async () => {
    const [zero] = SAMPLE_REPORT.claims;
    const rules = [
      { kind: 'above', bound: 0.01 },
      { kind: 'within', lo: -0.05, hi: 0.05 },
    ] as const;
    await writeReport(dir, { ...SAMPLE_REPORT, claims: rules.map((rule, i) => ({ ...zero!, id: `zero-${i}`, rule })) });
    const said = [...(await read('index.html')).matchAll(/smallest difference it could have seen: 0\.\d+ ([^<]*)</g)].map(
      (match) => match[1],
    );
    expect(said).toEqual(['beyond 0.01', 'from the bounds \u22120.05 and 0.05']);
  });

  it('shows no end of an interval on the bound of its claim that lies beyond it', async () => {
    const [zero] = SAMPLE_REPORT.claims;
    const { n, method, seeds } = zero!.results[0]!.measured!;
    const wide = { n, method, seeds, value: 21, interval: [0.317, 41.2] as const, perTraining: [1, 11, 21, 31, 41] };
    const results = [{ ...zero!.results[0]!, measured: wide }];
    await writeReport(dir, { ...SAMPLE_REPORT, claims: [{ ...zero!, rule: { kind: 'above', bound: 0 }, results }] });
    const page = await read('index.html');
    expect(page).toContain('<span class="value">21.0</span> <span class="interval">[0.3, 41.2]</span>');
  });

  it('says of an open verdict that its interval alone would not leave open what does', async () => {
    const [zero] = SAMPLE_REPORT.claims;
    const { measured } = zero!.results[0]!;
    // scipy.stats.ttest_1samp(perTraining, 0.01): p 0.0352.
    const slight = { ...measured!, value: 0.033, interval: [0.015, 0.051] as const, perTraining: [0.02, 0.03, 0.05, 0.015, 0.05] };
    const claims = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        ...zero!,
        id: `zero-${i}`,
        primary: true,
        rule: { kind: 'above', bound: 0.01 } as const,
        results: [{ ...zero!.results[0]!, measured: slight }],
      }));
    await writeReport(dir, { ...SAMPLE_REPORT, claims: claims(1) });
    expect(await read('index.html')).not.toContain('by itself');
    await writeReport(dir, { ...SAMPLE_REPORT, claims: claims(3) });
    expect(await read('index.html')).toContain('<span class="samples">p 0.035 by itself, 0.106 as one of 3 primary results</span>');
  });

  it('gives every number a flat name, and one row a training', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const { metrics, trainings } = JSON.parse(await read('results.json'));
    expect(metrics['claim-zero/Canny edges']).toBeCloseTo(0.1254, 12);
    expect(metrics['claim-start']).toBe(0);
    expect(metrics['variants/ControlNet, zero convolutions/Canny F1/measured']).toBeCloseTo(0.68, 1);
    expect(metrics['variants/ControlNet, zero convolutions/Parameters']).toBe(1_412_608);
    expect(metrics['prompt-bars/ControlNet-lite, zero/no prompt']).toBeCloseTo(0.43, 1);
    expect(metrics['convergence-curve/ControlNet, zero convolutions']).toBeCloseTo(0.68, 1);
    expect(trainings.slice(0, 2)).toEqual([
      { claim: 'claim-zero', control: 'Canny edges', seed: 1, value: 0.131 },
      { claim: 'claim-zero', control: 'Canny edges', seed: 2, value: 0.118 },
    ]);
    const table = { kind: 'table', id: 't', caption: '', rowHeader: '', columns: [{ label: 'a' }] } as const;
    await writeReport(dir, withBlock({ ...table, rows: [1, 2].map((value) => ({ label: 'twice', cells: [value] })) }));
    expect(JSON.parse(await read('results.json')).metrics).toMatchObject({ 't/twice/a': 1, 't/twice/a (2)': 2 });
  });

  it('gives identical runs identical results but for the provenance', async () => {
    const twin = path.join(dir, 'twin');
    await writeReport(dir, SAMPLE_REPORT);
    await writeReport(twin, {
      ...SAMPLE_REPORT,
      provenance: { ...SAMPLE_REPORT.provenance, finishedAt: '2027-01-01T00:00:00Z', wallSeconds: 5 },
    });
    const [a, b] = [await read('results.json'), await read('twin/results.json')];
    expect(a).not.toBe(b);
    const upToProvenance = (text: string): string => text.slice(0, text.lastIndexOf('"provenance"'));
    expect(upToProvenance(a)).toBe(upToProvenance(b));
    expect(await read('variants.csv')).toBe(await read('twin/variants.csv'));
  });

  it('refuses names that point nowhere', async () => {
    await expect(writeReport(dir, { ...SAMPLE_REPORT, lead: 'prompt-bars' })).rejects.toThrow(
      "lead names 'prompt-bars', which holds no pictures",
    );
    await expect(writeReport(dir, { ...SAMPLE_REPORT, lead: 'gird' })).rejects.toThrow("lead names 'gird'");
    await expect(writeReport(dir, { ...SAMPLE_REPORT, arms: [] })).rejects.toThrow(/a series or row names 'arm-1'/);
  });

  it('quotes texts that a spreadsheet would take for formulas', async () => {
    await writeReport(
      dir,
      withBlock({ kind: 'table', id: 't', caption: '', rowHeader: 'x', columns: [{ label: 'y' }], rows: [{ label: '=1+1', cells: [-2] }] }),
    );
    expect(await read('t.csv')).toBe("x,y\n'=1+1,-2\n");
  });

  it('escapes every text, whatever it holds', async () => {
    const evil = `</script><script>alert("x" + 'y')</script>\u2028`;
    const report = withBlock({
      kind: 'line',
      id: 'f',
      caption: evil,
      x: { label: evil },
      y: { label: 'y' },
      series: [{ label: evil, x: [1], y: [2], n: 1, seeds: [1] }],
    });
    const image = { rgb: new Uint8Array(3), width: 1, height: 1, alt: evil, caption: evil, detail: evil };
    await writeReport(dir, {
      ...report,
      title: evil,
      takeaway: evil,
      summary: evil,
      claims: report.claims.map((claim) => ({
        ...claim,
        claim: evil,
        test: evil,
        quantity: evil,
        source: evil,
        results: claim.results.map((result, i) => ({ ...result, label: evil + i, paper: { text: evil, source: evil } })),
      })),
      sections: [
        ...report.sections,
        {
          id: 'more',
          title: evil,
          blocks: [
            { kind: 'prose', text: evil },
            {
              kind: 'table',
              id: 't',
              caption: evil,
              rowHeader: evil,
              columns: [{ label: evil, group: evil, unit: evil }],
              rows: [{ label: evil, cells: [evil] }],
            },
            { kind: 'image-grid', id: 'g', caption: evil, columns: [evil], rows: [{ label: evil, detail: evil, images: [image] }] },
            { kind: 'film-strip', id: 's', caption: evil, condition: image, steps: [1], rows: [{ label: evil, images: [image] }] },
            {
              kind: 'image-grid',
              id: 'panels',
              caption: evil,
              columns: [1, 2].flatMap((i) => Array.from({ length: 6 }, (_, k) => ({ group: evil + i, label: evil + k, detail: evil }))),
              rows: [{ label: evil, detail: evil, images: Array(12).fill(image) }],
            },
          ],
        },
      ],
      provenance: {
        ...report.provenance,
        command: evil,
        machine: evil,
        trainings: report.provenance.trainings!.map((training) => ({ ...training, id: evil, identity: evil, processor: evil })),
        networks: [{ name: evil, hash: evil, engine: evil }],
      },
      attribution: [{ work: evil, author: evil, license: evil, url: 'javascript:alert(1)', note: evil }],
    });
    const html = await read('index.html');
    expect(html).not.toMatch(/<script>|alert\("x"/);
    expect(html.match(/<\/script>/g)).toHaveLength(3);
    expect(html).not.toContain('javascript:');
    expect(JSON.parse(await read('results.json')).title).toBe(evil);
  });

  it('needs no seeds behind a count, whose interval is the number itself', async () => {
    const report = withBlock({ kind: 'note', text: '' });
    const measured = { value: 15, interval: [15, 15] as const, n: 15, seeds: [], method: 'counted' };
    await writeReport(dir, {
      ...report,
      claims: report.claims.slice(0, 1).map((claim) => ({
        ...claim,
        rule: { kind: 'within', lo: 15, hi: 15 },
        basis: 'fact' as const,
        results: [{ label: null, measured, paper: null }],
      })),
    });
    expect(await read('index.html')).toMatch(/<span class="value">15<\/span><\/span>/);
    expect(await read('index.html')).toContain('no randomness');
    expect(JSON.parse(await read('results.json')).claims[0].results[0]).toMatchObject({ verdict: 'reproduced', measured: { seeds: [] } });
  });

  it('refuses claims whose verdict could not be about the number beside it', async () => {
    const [claim] = SAMPLE_REPORT.claims;
    const [result] = claim!.results;
    const measured = result!.measured!;
    const wrong = (change: object) => writeReport(dir, { ...SAMPLE_REPORT, claims: [{ ...claim!, results: [{ ...result!, ...change }] }] });
    await expect(wrong({ measured: { ...measured, value: 0.2 } })).rejects.toThrow(/mean 0\.1254, but the value shown is 0\.2/);
    await expect(wrong({ measured: { ...measured, perTraining: undefined } })).rejects.toThrow(/judged by perTraining/);
    await expect(wrong({ measured: { ...measured, perTraining: [0.1254] } })).rejects.toThrow(/expected 5 numbers a training/);
    await expect(wrong({ measured: { ...measured, perTraining: [] } })).rejects.toThrow(/mean NaN/);
    await expect(wrong({ measured: { ...measured, range: [0, 0.13] } })).rejects.toThrow(/leaves the quantity\u2019s range/);
    // Timing rounds need no seed each.
    const rounds = { ...claim!, basis: 'rounds' as const, results: [{ ...result!, measured: { ...measured, seeds: [1] } }] };
    await writeReport(path.join(dir, 'rounds'), { ...SAMPLE_REPORT, claims: [rounds] });
    await rm(path.join(dir, 'rounds'), { recursive: true });
    const twice = { ...claim!, results: [result!, result!] };
    await expect(writeReport(dir, { ...SAMPLE_REPORT, claims: [twice] })).rejects.toThrow(/need a label each, all different/);
    expect(await readdir(dir)).toEqual([]);
  });

  it.each<[string, Block, string]>([
    [
      'non-finite',
      {
        kind: 'line',
        id: 'f',
        caption: '',
        x: { label: '' },
        y: { label: '' },
        series: [{ label: 'a', x: [1], y: [Number.NaN], n: 1, seeds: [1] }],
      },
      'series "a"',
    ],
    [
      'bad-interval',
      {
        kind: 'bar',
        id: 'f',
        caption: '',
        categories: ['p'],
        y: { label: '' },
        series: [{ label: 'a', values: [{ value: 1, interval: [2, 0], n: 1, seeds: [1], method: '' }] }],
      },
      '[2, 0]',
    ],
    [
      'bad-shape',
      { kind: 'table', id: 't', caption: '', rowHeader: '', columns: [{ label: 'a' }], rows: [{ label: 'r', cells: [] }] },
      'row "r"',
    ],
    [
      'bad-shape',
      {
        kind: 'table',
        id: 't',
        caption: '',
        rowHeader: '',
        columns: [{ label: 'a' }],
        rows: [{ label: 'r', cells: [{ value: 1, interval: null, n: 1, seeds: [], method: '' }] }],
      },
      'seeds',
    ],
    [
      'bad-id',
      {
        kind: 'line',
        id: 'f',
        caption: '',
        x: { label: 'x' },
        y: { label: 'y' },
        series: [{ label: 'law', curveOf: 'runs', x: [1], y: [1], n: 1, seeds: [1] }],
      },
      'runs',
    ],
    ['bad-id', { kind: 'image-grid', id: '../up', caption: '', columns: [], rows: [] }, '../up'],
    ['duplicate-id', { kind: 'image-grid', id: 'only', caption: '', columns: [], rows: [] }, '"only"'],
    ['duplicate-id', { kind: 'image-grid', id: 'provenance', caption: '', columns: [], rows: [] }, 'the page has itself'],
    [
      'bad-image',
      {
        kind: 'image-grid',
        id: 'g',
        caption: '',
        columns: ['a', 'b'],
        rows: [{ label: 'r', images: [1, 2].map((width) => ({ rgb: new Uint8Array(3 * width), width, height: 1, alt: '' })) }],
      },
      'row "r"',
    ],
  ])('refuses %s data by name before anything is written', async (code, block, place) => {
    const error = await writeReport(dir, withBlock(block)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReportError);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(place);
    expect(await readdir(dir)).toEqual([]);
  });
});
