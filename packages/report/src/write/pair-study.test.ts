import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PairStudy } from '../model/report.ts';
import { SAMPLE_STUDY, STUDY_REPORT } from '../testing/sample-study.ts';
import { publishReport } from './publish-report.ts';
import { writeReport } from './write-report.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'study-'));
});
afterEach(() => rm(dir, { recursive: true }));

const at = (...names: string[]): string => path.join(dir, ...names);
const text = (...names: string[]): Promise<string> => readFile(at(...names), 'utf8');

interface StudyData {
  study: string;
  pairs: { file: string; index: number; count: number; alt: string }[][];
}
const dataIn = (page: string): StudyData =>
  JSON.parse(/<script type="application\/json" id="study">(.*?)<\/script>/s.exec(page)![1]!) as StudyData;

describe('a pair study', () => {
  it('is a page of its own beside the report, which links to it and names no picture’s model', async () => {
    await writeReport(at('run'), STUDY_REPORT);
    expect(await text('run', 'index.html')).toContain('<a href="whose.html">Try it yourself: 25 pairs');
    const page = await text('run', 'whose.html');
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('Pictures of <strong>two</strong> models &lt;of ours&gt;.');
    expect(page).toContain('<a href="index.html">A &lt;sample&gt;</a>');
    expect(page).toContain('max="24"');
    const { study, pairs } = dataIn(page);
    expect(study).toBe('sample/whose');
    expect(pairs).toHaveLength(25);
    // Twenty pairs share a file, two tiles each.
    expect(pairs[19]).toEqual([38, 39].map((index) => ({ file: 'images/whose/row-1.png', index, count: 40, alt: 'scene 20' })));
    expect(pairs[24]![1]).toEqual({ file: 'images/whose/row-2.png', index: 9, count: 10, alt: 'scene 25' });
    for (const { file } of pairs.flat()) await access(at('run', file));
    const { files } = JSON.parse(await text('run', 'manifest.json')) as { files: Record<string, string> };
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining(['whose.html', 'assets/pair-study.js', 'assets/pair-study.css', 'images/whose/row-2.png']),
    );
    const { sections } = JSON.parse(await text('run', 'results.json')) as { sections: { blocks: unknown[] }[] };
    expect(sections[0]!.blocks).toEqual([{ ...SAMPLE_STUDY, pairs: 25, page: 'whose.html' }]);
  });

  it('is published with the assets that all reports share', async () => {
    await writeReport(at('run'), STUDY_REPORT);
    await publishReport(at('run'), at('published'), 'sample');
    const page = await text('published', 'sample', 'whose.html');
    expect(page).toContain('src="../assets/pair-study.js"');
    expect(page).not.toContain('"assets/');
    await access(at('published', 'assets', 'pair-study-logic.js'));
  });

  it('is refused with one pair, pictures of several sizes, or the name of the report’s page', async () => {
    const written = (study: Partial<PairStudy>) =>
      writeReport(at('bad'), { ...STUDY_REPORT, sections: [{ id: 'people', title: 'People', blocks: [{ ...SAMPLE_STUDY, ...study }] }] });
    const [first, second] = SAMPLE_STUDY.pairs;
    await expect(written({ pairs: [first!] })).rejects.toThrow(
      'expected two pairs at least, one to learn from and one to be asked about, got 1',
    );
    const small = { ...second!.images[0], rgb: new Uint8Array(3), width: 1, height: 1 };
    await expect(written({ pairs: [first!, { images: [small, small] }] })).rejects.toThrow(
      'images of a study have one size, got 64 x 64, 1 x 1',
    );
    await expect(written({ id: 'index' })).rejects.toThrow('"index" is one that the page has itself');
  });
});
