import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from '../model/report.ts';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { checkReportFolder, writeReport } from './write-report.ts';

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'report-'));
  dir = path.join(root, 'report');
});
afterEach(() => rm(root, { recursive: true }));

/** A report of one table: fewer files than the sample's. */
const small = (id = 'table'): Report => ({
  ...SAMPLE_REPORT,
  lead: undefined,
  claims: [],
  sections: [
    {
      id: 'only',
      title: 'Only',
      blocks: [{ kind: 'table', id, caption: '', rowHeader: 'x', columns: [{ label: 'y' }], rows: [{ label: 'a', cells: [1] }] }],
    },
  ],
});
const put = async (name: string, text = 'mine'): Promise<void> => {
  await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
  await writeFile(path.join(dir, name), text);
};
const read = (name: string, of = dir) => readFile(path.join(of, name), 'utf8');
const list = async (of = dir) => (await readdir(of, { recursive: true })).sort();
const SMALL = [
  ...['assets', 'assets/plotly.min.js', 'assets/report.css', 'assets/report.js'],
  ...['index.html', 'manifest.json', 'results.json', 'table.csv'],
];

describe('a report\u2019s folder', () => {
  it('lists its files with their checksums', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    const { files } = JSON.parse(await read('manifest.json')) as { files: Record<string, string> };
    for (const [name, hash] of Object.entries(files)) {
      const data = await readFile(path.join(dir, name));
      expect(createHash('sha256').update(data).digest('hex'), name).toBe(hash);
    }
    expect(Object.keys(files)).toContain('index.html');
  });

  it('loses what the report before left, and nothing of anybody else\u2019s', async () => {
    await writeReport(dir, SAMPLE_REPORT);
    for (const name of ['notes.txt', 'mine.csv', 'images/grid/mine.png']) await put(name);
    await put('variants.csv', 'edited by hand');
    await writeReport(dir, small());
    expect(await list()).toEqual(
      [...SMALL, 'images', 'images/grid', 'images/grid/mine.png', 'mine.csv', 'notes.txt', 'variants.csv'].sort(),
    );
    expect(await read('variants.csv')).toBe('edited by hand');
  });

  it('is not written to where it holds somebody else\u2019s files, unless overwrite allows it, and then they stay', async () => {
    await put('holiday.png');
    await expect(checkReportFolder(dir)).rejects.toMatchObject({ code: 'foreign-files' });
    await expect(writeReport(dir, small())).rejects.toThrow(/holiday\.png/);
    expect(await list()).toEqual(['holiday.png']);
    await writeReport(dir, small(), { overwrite: true });
    await writeReport(dir, small());
    expect(await read('holiday.png')).toBe('mine');
  });

  it('is not a manifest of another program\u2019s, nor a file', async () => {
    await put('manifest.json', '{"name": "a web application", "icons": []}');
    await expect(writeReport(dir, small())).rejects.toMatchObject({ code: 'foreign-files' });
    await expect(checkReportFolder(path.join(dir, 'manifest.json'))).rejects.toThrow(/it is a file; name a folder/);
  });

  it('is not written through a link, nor where a file has the name of its folder', async () => {
    await writeReport(dir, small());
    const pictures = path.join(root, 'pictures');
    await mkdir(pictures);
    await symlink(pictures, path.join(dir, 'images'));
    for (const overwrite of [false, true])
      await expect(writeReport(dir, SAMPLE_REPORT, { overwrite })).rejects.toThrow(/images must be a folder of the report's own/);
    expect(await list(pictures)).toEqual([]);
    await writeReport(dir, small());
  });

  it('keeps a file that has a new table\u2019s name but is not the report\u2019s', async () => {
    await writeReport(dir, small());
    await put('notes.csv');
    await expect(writeReport(dir, small('notes'))).rejects.toThrow(/notes\.csv/);
    expect(await read('notes.csv')).toBe('mine');
    await writeReport(dir, small('notes'), { overwrite: true });
    expect(await read('notes.csv')).toBe('x,y\na,1\n');
  });

  it('never reaches outside, whatever a manifest names', async () => {
    await writeReport(dir, small());
    await writeFile(path.join(root, 'outside.txt'), 'mine');
    const manifest = JSON.parse(await read('manifest.json')) as { files: Record<string, string> };
    Object.assign(manifest.files, { '../outside.txt': '', '/etc/passwd': '', 'a/../../outside.txt': '' });
    await put('manifest.json', JSON.stringify(manifest));
    await writeReport(dir, small());
    expect(await read('outside.txt', root)).toBe('mine');
  });

  it('takes over reports from before there was a manifest', async () => {
    for (const name of ['index.html', 'old.csv', 'assets/report.js', 'images/grid/row-1.png']) await put(name);
    await put('results.json', '{\n  "format": "controllab-report-1",\n  "id": "ablation"\n}\n');
    await put('notes.txt');
    await writeReport(dir, small());
    expect(await list()).toEqual([...SMALL, 'notes.txt'].sort());
  });

  it('is whole again after a kill at any point, with the bytes of one that was not killed', async () => {
    const whole = path.join(root, 'whole');
    await writeReport(whole, small());
    const bytes = async (of: string) =>
      Object.fromEntries(await Promise.all(SMALL.filter((n) => n !== 'assets').map(async (n) => [n, await read(n, of)])));

    // Before the first manifest was renamed into place
    await put('manifest.json.123e4567-e89b-42d3-a456-426614174000.tmp', '{"form');
    await writeReport(dir, small());
    expect(await list()).toEqual(SMALL);

    // Between two reports: the manifest lists both, some files are the old ones, one was being written
    await writeReport(dir, SAMPLE_REPORT);
    const both = { ...JSON.parse(await read('manifest.json')).files, ...JSON.parse(await read('manifest.json', whole)).files };
    await put('manifest.json', JSON.stringify({ format: 'controllab-manifest-1', files: both }));
    await put('table.csv', await read('table.csv', whole));
    await put('index.html.123e4567-e89b-42d3-a456-426614174000.tmp', '<!doc');
    await put('.folder.123e4567-e89b-42d3-a456-426614174000.tmp', '');
    await writeReport(dir, small());
    expect(await list()).toEqual(SMALL);
    expect(await bytes(dir)).toEqual(await bytes(whole));
  });
});
