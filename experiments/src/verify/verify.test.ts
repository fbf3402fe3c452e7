import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workspaceRoot } from '@controllab/command-line';
import { tablesOf } from './markdown.ts';
import { markdownProblems, reportProblems, verify } from './verify.ts';

describe('tablesOf', () => {
  it('reads the numbers in order and where they come from', () => {
    const text =
      '<!-- verify: results.json\nt/a/b * 100 -> 1\nw/sha256 -> text\n-->\n\n| a | b |\n| --- | --- |\n| 12.5% of 4 | `0123456789ab` |\n';
    expect(tablesOf(text)).toEqual([
      {
        line: 6,
        shown: ['12.5', '0123456789ab'],
        origin: {
          kind: 'verify',
          file: 'results.json',
          queries: [
            { path: 't/a/b', scale: 100, decimals: 1 },
            { path: 'w/sha256', scale: 1, decimals: null },
          ],
        },
      },
    ]);
  });

  it('leaves out a table without such numbers, and lets no comment reach past other text', () => {
    expect(tablesOf('| a |\n| --- |\n| 12 |\n')).toEqual([]);
    expect(tablesOf('<!-- stated: settings -->\n\nOther text.\n\n| 1.5 |\n')[0]!.origin).toBeNull();
    expect(tablesOf('<!-- stated: settings -->\n\n| 1.5 |\n')[0]!.origin).toEqual({ kind: 'stated', why: 'settings' });
  });

  it('refuses a line that names no number', () => {
    expect(() => tablesOf('<!-- verify: a.json\nt/a/b\n-->\n| 1.5 |\n')).toThrow("got 't/a/b'");
  });
});

describe('verify', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(os.tmpdir(), 'verify-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('finds nothing wrong in this checkout', () => {
    const { problems, checked } = verify(workspaceRoot);
    expect(problems).toEqual([]);
    expect(checked).toBeGreaterThan(10);
  });

  it('finds one changed digit in a README', () => {
    const results = path.join('reports', 'published', 'ablation', 'results.json');
    mkdirSync(path.dirname(path.join(root, results)), { recursive: true });
    cpSync(path.join(workspaceRoot, results), path.join(root, results));
    const text = readFileSync(path.join(workspaceRoot, 'README.md'), 'utf8');
    writeFileSync(path.join(root, 'README.md'), text);
    expect(markdownProblems(root, 'README.md')).toEqual([]);
    writeFileSync(path.join(root, 'README.md'), text.replace('0.93 ± 0.08', '0.94 ± 0.08'));
    expect(markdownProblems(root, 'README.md').join()).toContain('canny-tolerant/ControlNet/no prompt is 0.93');
  });

  it('asks for the origin of a table, and for as many numbers as it shows', () => {
    writeFileSync(path.join(root, 'results.json'), JSON.stringify({ sections: [], claims: [], format: 'controllab-report-2' }));
    writeFileSync(path.join(root, 'README.md'), '| 1.5 |\n\n<!-- verify: results.json\nt/a/b -> 1\n-->\n\n| 1.5 | 2.5 |\n');
    const [first, second] = markdownProblems(root, 'README.md');
    expect(first).toContain('README.md:1');
    expect(second).toContain('shows 2 numbers (1.5, 2.5), its comment names 1');
  });

  it('judges the claims of a report again, and computes their value from the trainings', () => {
    const perTraining = [1, 2, 3, 4, 6];
    const stored = (verdict: string, value: number): object => ({
      format: 'controllab-report-2',
      sections: [],
      claims: [
        {
          id: 'fidelity',
          rule: { kind: 'above', bound: 0 },
          basis: 'trainings',
          primary: true,
          results: [{ label: null, verdict, measured: { value, interval: null, n: 5, method: 't', seeds: [1, 2, 3, 4, 5], perTraining } }],
        },
      ],
    });
    const problemsOf = (report: object): string => {
      writeFileSync(path.join(root, 'results.json'), JSON.stringify(report));
      return reportProblems(root).join();
    };
    expect(problemsOf(stored('reproduced', 3.2))).toBe('');
    expect(problemsOf(stored('not reproduced', 3.2))).toContain("claim fidelity says 'not reproduced', its trainings give 'reproduced'");
    expect(problemsOf(stored('reproduced', 3.3))).toContain('claim fidelity says 3.3, the mean of its trainings is 3.2');
  });

  it('holds the files of a report against its manifest', () => {
    writeFileSync(path.join(root, 'results.json'), JSON.stringify({ format: 'controllab-report-2', claims: [], sections: [] }));
    writeFileSync(path.join(root, 'page.html'), 'page');
    writeFileSync(path.join(root, 'manifest.json'), JSON.stringify({ files: { 'page.html': '0'.repeat(64), 'gone.csv': '' } }));
    expect(reportProblems(root)).toEqual([
      `${path.join(root, 'page.html')} is not the file that was published`,
      `${path.join(root, 'gone.csv')} is missing`,
    ]);
  });
});
