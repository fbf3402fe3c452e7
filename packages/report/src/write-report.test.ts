import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Block, Report } from './report.ts';
import { ReportError } from './report-error.ts';
import { SAMPLE_REPORT } from './sample-report.ts';
import { writeReport } from './write-report.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'report-'));
});
afterEach(() => rm(dir, { recursive: true }));

const withBlock = (block: Block): Report => ({ ...SAMPLE_REPORT, sections: [{ id: 'only', title: 'Only', blocks: [block] }] });
const read = (name: string) => readFile(path.join(dir, name), 'utf8');

describe('writeReport', () => {
  it('writes page, twin, tables, images and assets, and leaves no temporary file', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const files = (await readdir(dir, { recursive: true })).sort();
    expect(files).toEqual([
      'assets', 'assets/plotly.min.js', 'assets/report.css', 'assets/report.js', 'convergence-curve.csv',
      'images', 'images/grid', 'images/grid/row-1.png', 'images/grid/row-2.png', 'images/grid/row-3.png', 'images/grid/row-4.png',
      'index.html', 'prompt-bars.csv', 'results.json', 'variants.csv',
    ]); // prettier-ignore
    expect(await sharp(path.join(dir, 'images/grid/row-3.png')).metadata()).toMatchObject({ width: 5 * 64, height: 64 });
  });

  it('gives every number n, seeds and interval, and every claim its verdict, in results.json', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const results = JSON.parse(await read('results.json'));
    expect(results.claims.map((claim: { verdict: string }) => claim.verdict)).toEqual([
      'reproduced',
      'inconclusive',
      'reproduced',
      'inconclusive',
    ]);
    expect(results.claims[3].measured).toBeNull();
    const cell = results.sections[0].blocks[0].rows[0].cells[1];
    expect(cell).toMatchObject({ n: 256, seeds: [1, 2, 3], confidence: 0.95, provenance: { weightsHash: 'sha256:0123456789abcdef' } });
    expect(cell.interval[0]).toBeLessThan(cell.value);
    const grid = results.sections[2].blocks[1];
    expect(grid.rows[2].images[4]).toBeNull();
    expect(grid.rows[2].images[5]).toMatchObject({ file: 'images/grid/row-3.png', index: 4, count: 5 });
    expect(results.provenance.commit).toBe('3f9c2ab17d40');
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

  it('removes images and tables of the report before it, and nothing else', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    await writeReport(dir, withBlock({ kind: 'prose', text: 'nothing to see' }));
    expect((await readdir(dir)).sort()).toEqual(['assets', 'images', 'index.html', 'results.json']);
    expect(await readdir(path.join(dir, 'images/grid'))).toEqual([]);
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
    const image = { rgb: new Uint8Array(3), width: 1, height: 1, alt: evil, caption: evil };
    await writeReport(dir, {
      ...report,
      title: evil,
      summary: evil,
      claims: report.claims.map((claim) => ({
        ...claim,
        claim: evil,
        test: evil,
        quantity: evil,
        source: evil,
        paper: { text: evil, source: evil },
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
          ],
        },
      ],
      provenance: { ...report.provenance, command: evil, machine: evil },
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
      claims: report.claims.slice(0, 1).map((claim) => ({ ...claim, rule: { kind: 'within', lo: 15, hi: 15 }, measured })),
    });
    expect(await read('index.html')).toMatch(/<span class="value">15<\/span><\/span><\/dd><dd class="samples">no randomness<\/dd>/);
    expect(JSON.parse(await read('results.json')).claims[0]).toMatchObject({ verdict: 'reproduced', measured: { seeds: [] } });
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
    ['bad-id', { kind: 'image-grid', id: '../up', caption: '', columns: [], rows: [] }, '../up'],
    ['duplicate-id', { kind: 'image-grid', id: 'only', caption: '', columns: [], rows: [] }, '"only"'],
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
