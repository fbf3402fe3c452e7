import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { writeReport } from '../write/write-report.ts';
import { findRuns } from './find-runs.ts';
import { checkIndexFolder, writeIndex } from './write-index.ts';

let reports: string;
beforeEach(async () => {
  reports = await mkdtemp(path.join(tmpdir(), 'reports-'));
});
afterEach(() => rm(reports, { recursive: true }));

const put = async (name: string, text: string): Promise<void> => {
  await mkdir(path.dirname(path.join(reports, name)), { recursive: true });
  await writeFile(path.join(reports, name), text);
};
const FORMER = {
  format: 'controllab-report-1',
  id: 'ablation',
  title: 'An older one',
  summary: 'Three networks were trained. More was done, too.',
  claims: [
    { claim: 'It works', verdict: 'reproduced', measured: { value: 0.5, interval: [0.4, 0.6] } },
    { claim: 'It flies', verdict: 'inconclusive', measured: null },
  ],
  sections: [
    {
      blocks: [
        {
          kind: 'table',
          id: 't',
          caption: 'Numbers',
          columns: [
            { label: 'F1', group: 'measured' },
            { label: 'a step', decimals: 2 },
          ],
          rows: [{ label: 'a', cells: [{ value: 0.25, interval: [0.2, 0.3] }, -1234.567] }],
        },
      ],
    },
  ],
  provenance: { profile: 'standard', commit: 'abc', finishedAt: '2026-05-01T00:00:00Z' },
};

it('finds all reports, newest first, those of the older format too, and passes over other files', async () => {
  await writeReport(path.join(reports, 'ablation/quick-seed-2'), SAMPLE_REPORT);
  await put('published/ablation/results.json', JSON.stringify(FORMER));
  await put('elsewhere/results.json', '{"format": "another program\u2019s"}');
  await put('broken/results.json', '{"format": ');
  const [former, sample, ...others] = await findRuns(reports);
  expect(others).toEqual([]);
  expect(former).toMatchObject({
    folder: 'published/ablation',
    isFormer: true,
    seed: null,
    takeaway: 'Three networks were trained.',
    tallies: [
      {
        kind: 'exploratory',
        total: 2,
        verdicts: [
          ['reproduced', 1],
          ['inconclusive', 1],
        ],
      },
    ],
    pictures: [],
    entries: [
      { group: 'Claims', name: 'It works', text: 'reproduced, 0.50 [0.40, 0.60]' },
      { group: 'Claims', name: 'It flies', text: 'inconclusive' },
      { group: 'Numbers', name: 'a, measured, F1', text: '0.250 [0.200, 0.300]' },
      { group: 'Numbers', name: 'a, a step', text: '\u22121,234.57' },
    ],
  });
  expect(sample).toMatchObject({
    folder: 'ablation/quick-seed-2',
    isFormer: false,
    seed: '2',
    takeaway: SAMPLE_REPORT.takeaway,
    tallies: [
      {
        kind: 'primary',
        total: 5,
        verdicts: [
          ['reproduced', 2],
          ['not reproduced', 1],
          ['inconclusive', 1],
          ['not judged', 1],
        ],
      },
      { kind: 'facts', total: 1, verdicts: [['reproduced', 1]] },
      {
        kind: 'exploratory',
        total: 2,
        verdicts: [
          ['reproduced', 1],
          ['not judged', 1],
        ],
      },
    ],
  });
  expect(sample!.pictures.map(({ file, index }) => `${file} ${index}`)).toEqual([
    'ablation/quick-seed-2/images/film-strip/condition.png 0',
    'ablation/quick-seed-2/images/film-strip/row-1.png 1',
    'ablation/quick-seed-2/images/film-strip/row-1.png 4',
    'ablation/quick-seed-2/images/film-strip/row-1.png 6',
  ]);
  expect(sample!.entries).toContainEqual({
    group: 'Claims',
    name: 'The copy improves quality over ControlNet-lite (Masks)',
    text: 'not judged: 1 training, \u22129.8',
  });
});

it('wears the verdicts of the primary results alone, and counts the others beside them', async () => {
  await writeReport(path.join(reports, 'ablation'), SAMPLE_REPORT);
  await writeReport(path.join(reports, 'counts'), { ...SAMPLE_REPORT, claims: SAMPLE_REPORT.claims.filter(({ basis }) => basis === 'fact') });
  await writeIndex(reports);
  const page = await readFile(path.join(reports, 'index.html'), 'utf8');
  const worn = [...page.matchAll(/<ul class="counts"[^>]*>(.*)<\/ul>/g)].map(([, items]) => items!.replace(/<[^>]+>/g, '|').replace(/\|+/g, '|'));
  expect(worn).toEqual(['|primary|2 reproduced|1 not reproduced|1 inconclusive|1 not judged|+1 fact, +2 exploratory|', '|facts|1 reproduced|']);
});

it('writes an index without reports, anew over its own, and never over a page that is somebody else\u2019s', async () => {
  await writeIndex(reports);
  await writeIndex(reports);
  expect(await readFile(path.join(reports, 'index.html'), 'utf8')).toContain('No report yet.');
  await put('index.html', '<h1>My own page</h1>');
  await expect(writeIndex(reports)).rejects.toMatchObject({ code: 'foreign-files' });
  expect(await readFile(path.join(reports, 'index.html'), 'utf8')).toBe('<h1>My own page</h1>');
});

it('passes over results that are damaged or somebody else\u2019s, whatever is wrong with them', async () => {
  await put('good/results.json', JSON.stringify({ ...FORMER, provenance: { profile: 'quick', commit: null, finishedAt: null } }));
  const whole = JSON.parse(await readFile(path.join(reports, 'good', 'results.json'), 'utf8')) as Record<string, unknown>;
  for (const [i, key] of Object.keys(whole).entries())
    for (const [j, value] of [undefined, null, 7, 'x', [null], {}].entries())
      await put(`bad-${i}-${j}/results.json`, JSON.stringify({ ...whole, [key]: value }));
  await put('text/results.json', '{"format":');
  const found = await findRuns(reports);
  expect(found.map(({ folder }) => folder)).toContain('good');
  await writeIndex(reports);
});

it('leaves nothing behind of processes that were killed while they wrote it, and touches nothing else', async () => {
  const killed = '123e4567-e89b-42d3-a456-426614174000.tmp';
  for (const name of [`index.html.${killed}`, `assets/index.js.${killed}`, `notes.txt.${killed}`, 'index.html.bak']) await put(name, 'x');
  await writeIndex(reports);
  expect((await readdir(reports)).sort()).toEqual(['assets', 'index.html', 'index.html.bak', `notes.txt.${killed}`]);
  expect((await readdir(path.join(reports, 'assets'))).sort()).toEqual(['index.css', 'index.js', 'report.css']);
});

it('leads to folders whose names mean something in an address', async () => {
  const run = JSON.stringify({ ...FORMER, provenance: { profile: 'quick', commit: null, finishedAt: null } });
  await put('50% #1?/results.json', run);
  await put('javascript:alert(1)/results.json', run);
  for (const folder of ['50% #1?', 'javascript:alert(1)']) await put(`${folder}/index.html`, '<p>a report</p>');
  await put('results-alone/results.json', run);
  await writeIndex(reports);
  const page = await readFile(path.join(reports, 'index.html'), 'utf8');
  expect(page).toContain('href="50%25%20%231%3F/index.html"');
  expect(page).toContain('href="javascript%3Aalert(1)/index.html"');
  expect(page).toContain('href="results-alone/results.json"');
  expect(page).toContain('Content-Security-Policy');
});

it('never writes its style over a site\u2019s own, nor through a link', async () => {
  await put('assets/report.css', 'body { color: red }');
  await expect(writeIndex(reports)).rejects.toMatchObject({ code: 'foreign-files' });
  await expect(checkIndexFolder(reports)).rejects.toThrow(/assets\/report\.css is not an index of reports/);
  expect(await readFile(path.join(reports, 'assets/report.css'), 'utf8')).toBe('body { color: red }');
  await rm(path.join(reports, 'assets'), { recursive: true });
  await mkdir(path.join(reports, 'site'));
  await symlink('site', path.join(reports, 'assets'));
  await expect(writeIndex(reports)).rejects.toMatchObject({ code: 'foreign-files' });
  expect(await readdir(path.join(reports, 'site'))).toEqual([]);
});

it('escapes what results say', async () => {
  const evil = '</script><script>alert(1)</script>';
  await put('a/results.json', JSON.stringify({ ...FORMER, title: evil, summary: evil, id: evil, claims: [{ ...FORMER.claims[0], claim: evil }] }));
  await writeIndex(reports);
  expect(await readFile(path.join(reports, 'index.html'), 'utf8')).not.toContain('<script>alert');
});

it('says what has become known of a report since, from the table of the README beside its folder', async () => {
  await put('published/ablation/results.json', JSON.stringify(FORMER));
  await put('published/other/results.json', JSON.stringify({ ...FORMER, id: 'other' }));
  await put('published/README.md', '# Reports\n\n| page | what to know |\n| --- | --- |\n| `lost`, `ablation` | **Wrong**: `F1` is <a tenth>. |\n');
  const runs = await findRuns(reports);
  expect(runs.map(({ id, remark }) => [id, remark])).toEqual([
    ['ablation', '**Wrong**: `F1` is <a tenth>.'],
    ['other', null],
  ]);
  await writeIndex(reports);
  const remarks = (await readFile(path.join(reports, 'index.html'), 'utf8')).match(/<p class="remark">.*<\/p>/g);
  expect(remarks).toEqual([
    '<p class="remark"><strong>Since publication:</strong> <strong>Wrong</strong>: <code>F1</code> is &lt;a tenth&gt;.</p>',
  ]);
});
