import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256 } from '@controllab/data';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { publishReport } from './publish-report.ts';
import { writeReport } from './write-report.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'publish-'));
});
afterEach(() => rm(dir, { recursive: true }));

const at = (...names: string[]): string => path.join(dir, ...names);
const committed = { ...SAMPLE_REPORT, provenance: { ...SAMPLE_REPORT.provenance, commit: '0123456789ab' } };

describe('publishReport', () => {
  it('copies a report, with assets that all published ones share, and a manifest of what is there', async () => {
    await writeReport(at('run'), committed);
    await publishReport(at('run'), at('published'), 'sample');
    const page = await readFile(at('published', 'sample', 'index.html'), 'utf8');
    expect(page).toContain('"../assets/report.css"');
    expect(page).not.toContain('"assets/');
    await access(at('published', 'assets', 'plotly.min.js'));
    await expect(access(at('published', 'sample', 'assets'))).rejects.toThrow();
    const { files } = JSON.parse(await readFile(at('published', 'sample', 'manifest.json'), 'utf8')) as { files: Record<string, string> };
    expect(files['index.html']).toBe(sha256(page));
    expect(Object.keys(files).filter((name) => name.startsWith('assets/'))).toEqual([]);
    expect(await readFile(at('published', 'sample', 'results.json'))).toEqual(await readFile(at('run', 'results.json')));
  });

  it('takes the place of an earlier one, but of nobody else’s files', async () => {
    await writeReport(at('run'), committed);
    await publishReport(at('run'), at('published'), 'sample');
    await writeReport(at('run'), { ...committed, title: 'Another title' });
    await publishReport(at('run'), at('published'), 'sample');
    expect(await readFile(at('published', 'sample', 'index.html'), 'utf8')).toContain('Another title');
    await writeReport(at('mine'), committed);
    await rm(at('mine', 'manifest.json'));
    await writeFile(at('mine', 'results.json'), 'mine');
    await expect(publishReport(at('run'), dir, 'mine')).rejects.toThrow(/holds files that are no report's/);
  });

  it('refuses what is no whole report, was edited, or comes from code that is not committed', async () => {
    await expect(publishReport(at('nothing'), at('published'), 'x')).rejects.toThrow(/has no results.json/);
    await writeReport(at('run'), { ...committed, provenance: { ...committed.provenance, commit: '0123456789ab + changes' } });
    await expect(publishReport(at('run'), at('published'), 'x')).rejects.toThrow(/code that is not committed \(0123456789ab \+ changes\)/);
    await writeReport(at('run'), committed);
    await writeFile(at('run', 'variants.csv'), 'edited');
    await expect(publishReport(at('run'), at('published'), 'x')).rejects.toThrow(/variants.csv is not what the report wrote/);
  });
});
