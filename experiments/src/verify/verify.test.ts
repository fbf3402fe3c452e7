import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workspaceRoot } from '@controllab/command-line';
import { judge, meanInterval, readStoredReport, type Claim, type Judgement } from '@controllab/report';
import { lookup } from './lookup.ts';
import { blocksOf } from './markdown.ts';
import { reportProblems } from './published.ts';
import { markdownProblems, verify } from './verify.ts';

const COMMITTED = { commit: '0123456789ab' };

describe('blocksOf', () => {
  it('reads the numbers of tables and prose in order, and where they come from', () => {
    const text =
      '<!-- verify: results.json\nt/a/b * 100 -> 1\nmeasured x 2: npx controllab latency\nw/sha256 -> text\n-->\n\n| a | b |\n| --- | --- |\n| 12.5% in 3.5 s, 40 to 77% | `0123456789ab` |\n';
    expect(blocksOf(text)).toEqual([
      {
        line: 7,
        text: '| a | b |\n| --- | --- |\n| 12.5% in 3.5 s, 40 to 77% | `0123456789ab` |',
        shown: ['12.5', '3.5', '40', '77', '0123456789ab'],
        origin: {
          kind: 'verify',
          file: 'results.json',
          lines: [
            { kind: 'query', path: 't/a/b', scale: 100, decimals: 1, abs: false },
            { kind: 'measured', count: 2, text: 'npx controllab latency' },
            { kind: 'query', path: 'w/sha256', scale: 1, decimals: null, abs: false },
          ],
        },
      },
    ]);
    expect(blocksOf('A share of 59%,\nor 0.6.\n\nText.\n')).toMatchObject([{ line: 1, shown: ['59', '0.6'], origin: null }]);
  });

  it('reads signs, and takes neither a hyphen nor a minus between two numbers for one', () => {
    const shownIn = (text: string) => blocksOf(text)[0]!.shown;
    expect(shownIn('−0.006, -0.009 (−5% to −3%) [−0.47, 1.5] |−2.5| **−0.1**')).toEqual(
      ['−0.006', '−0.009', '−5', '−3', '−0.47', '1.5', '−2.5', '−0.1'], // prettier-ignore
    );
    expect(shownIn('+37%, ±0.5, 0.8 − 0.2, 3−0.4; nothing is −0.00')).toEqual(['37', '0.5', '0.8', '0.2', '0.4', '0.00']);
  });

  it('takes versions, names, code, addresses and the level of intervals for no results', () => {
    const text =
      'SD1.5 and Apache-2.0 with openmoji 17.0.0, `0.5`, [1](https://a.org/2.5), CC BY-SA 4.0; intervals are 95%, a 95% interval; 12 of 43.';
    expect(blocksOf(text)).toEqual([]);
    expect(blocksOf('```sh\nnode --rate 0.5\n```\n')).toEqual([]);
  });

  it('lets a comment speak for the next block alone', () => {
    const [first, second] = blocksOf('<!-- stated: settings -->\n\nA rate of 0.5.\n\nAnother of 0.6.\n');
    expect([first!.origin, second!.origin]).toEqual([{ kind: 'stated', why: 'settings' }, null]);
    expect(blocksOf('<!-- stated: settings -->\n\nOther text.\n\n| 1.5 |\n')[0]!.origin).toBeNull();
  });

  it('refuses a line that names no number', () => {
    expect(() => blocksOf('<!-- verify: a.json\nt/a/b\n-->\n| 1.5 |\n')).toThrow("got 't/a/b'");
  });
});

describe('verify', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(os.tmpdir(), 'verify-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('README’s table counts the verdicts that the published comparisons have', () => {
    const published = path.join(workspaceRoot, 'reports', 'published');
    const counted = readdirSync(published, { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const file = path.join(published, entry.name, 'results.json');
      if (!existsSync(file)) return [];
      const { claims, provenance } = readStoredReport(readFileSync(file, 'utf8'))!;
      const primary = claims.filter((claim) => claim.primary);
      // An arm that is trained again for a pair of its own has other seeds than the rest.
      const trained = primary.flatMap(({ results }) => results.map(({ measured }) => measured?.seeds.length ?? 0));
      const seeds = provenance.trainings === undefined ? 0 : Math.max(0, ...trained);
      const isPapers = ({ source }: { source: string }): boolean => /^(?:CN|ControlNeXt)(?! repository)\b/.test(source);
      const counts = (of: typeof primary): string => {
        const verdicts = of.flatMap(({ results }) => results).map(({ verdict }) => verdict);
        const each = (['reproduced', 'not reproduced', 'inconclusive'] as const).map(
          (one) => verdicts.filter((verdict) => verdict === one).length,
        );
        return of.length === 0 ? '' : each.join(' / ');
      };
      const [papers, others] = [primary.filter(isPapers), primary.filter((claim) => !isPapers(claim))].map(counts);
      return seeds === 0 ? [] : [[entry.name, `${seeds} | ${papers} | ${others}`]];
    });
    const row = /^\| \[`([\w-]+)`\]\(reports\/published\/\S+\) \| (\d+ +\| .*?) +\|$/gm;
    const rows = [...readFileSync(path.join(workspaceRoot, 'README.md'), 'utf8').matchAll(row)];
    expect(
      Object.fromEntries(
        rows.map(([, name, cells]) => [
          name,
          cells!
            .split('|')
            .map((cell) => cell.trim())
            .join(' | '),
        ]),
      ),
    ).toEqual(Object.fromEntries(counted));
  });

  it('finds nothing wrong in this checkout', () => {
    const { problems, checked } = verify(workspaceRoot);
    expect(problems).toEqual([]);
    expect(checked).toBeGreaterThan(10);
  });

  it('finds one changed digit in a README', () => {
    const text = readFileSync(path.join(workspaceRoot, 'README.md'), 'utf8');
    for (const [results] of text.matchAll(/reports\/published\/[\w-]+\/results\.json/g)) {
      mkdirSync(path.dirname(path.join(root, results)), { recursive: true });
      cpSync(path.join(workspaceRoot, results), path.join(root, results));
    }
    writeFileSync(path.join(root, 'README.md'), text);
    expect(markdownProblems(root, 'README.md')).toEqual([]);
    for (const [from, to, problem] of [
      ['0.227 ± 0.003', '0.228 ± 0.003', 'scribble-held-out-loss/ControlNet/no prompt is 0.227'],
      ['0.38, 0.43 and 0.35', '0.38, 0.44 and 0.35', 'sudden-convergence/Canny edges is 0.43'],
      ['(random minus pretrained −0.006', '(random minus pretrained 0.006', 'copy-helps/scribble is −0.006'],
      ['−5% to 39%', '5% to 39%', 'SD1.5: ControlNeXt/lo is −5'],
      ['ControlNet trains 361.3M', 'ControlNet trains 361.4M', 'is 361.3 by'],
    ] as const) {
      expect(text).toContain(from);
      writeFileSync(path.join(root, 'README.md'), text.replace(from, to));
      expect(markdownProblems(root, 'README.md').join()).toContain(problem);
    }
  });

  it('holds signed numbers against signed ones, and those whose sign stands in words without it', () => {
    const table = {
      kind: 'table',
      id: 't',
      caption: '',
      rowHeader: '',
      columns: [{ label: 'b' }],
      rows: [{ label: 'a', cells: [-0.371] }],
    };
    writeFileSync(
      path.join(root, 'results.json'),
      JSON.stringify({ format: 'controllab-report-2', claims: [], sections: [{ blocks: [table] }] }),
    );
    const problemsOf = (line: string, text: string): string => {
      writeFileSync(path.join(root, 'README.md'), `<!-- verify: results.json\n${line}\n-->\n\n${text}\n`);
      return markdownProblems(root, 'README.md').join();
    };
    expect(problemsOf('t/a/b * 100 -> 0', '−37%')).toBe('');
    expect(problemsOf('t/a/b * 100 -> 0', '+37%')).toContain('t/a/b is −37 by results.json, the text says 37');
    expect(problemsOf('t/a/b * 100 -> 0 abs', '37% less')).toBe('');
    expect(problemsOf('t/a/b * 100 -> 0 abs', '−37%')).toContain('t/a/b is 37 by');
    expect(problemsOf('t/a/b * 0.001 -> 2', '−0.00')).toBe('');
  });

  it('asks of a plan for the origin of its outcomes alone', () => {
    mkdirSync(path.join(root, 'docs'));
    const text =
      'A margin of 0.04.\n\n**Outcome of the first block**: 0.03.\n\n<!-- verify: no.json\nt/a/b -> 1\n-->\n\nSo far 0.5, 0.6.\n';
    writeFileSync(path.join(root, 'docs', 'preregistration.md'), text);
    writeFileSync(path.join(root, 'docs', 'reproduction.md'), text);
    mkdirSync(path.join(root, 'reports'));
    writeFileSync(path.join(root, 'no.json'), JSON.stringify({ sections: [], claims: [], format: 'controllab-report-2' }));
    const { problems, checked } = verify(root);
    expect(checked).toBe(2);
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(': ')))).toEqual([
      'docs/preregistration.md:3',
      'docs/preregistration.md:9',
      'docs/reproduction.md:1',
      'docs/reproduction.md:3',
      'docs/reproduction.md:9',
    ]);
  });

  it('asks for a command that there is', () => {
    writeFileSync(
      path.join(root, 'README.md'),
      '<!-- measured: npx controllab lateny -->\n\n| 1.5 |\n\n<!-- measured: by hand -->\n\nIn 1.5 s.\n',
    );
    const [first, second] = markdownProblems(root, 'README.md');
    expect(first).toContain("there is no command 'lateny'");
    expect(second).toContain('names no command');
  });

  it('asks for the origin of a table, and for as many numbers as it shows', () => {
    writeFileSync(path.join(root, 'results.json'), JSON.stringify({ sections: [], claims: [], format: 'controllab-report-2' }));
    writeFileSync(path.join(root, 'README.md'), '| 1.5 |\n\n<!-- verify: results.json\nt/a/b -> 1\n-->\n\n| 1.5 | 2.5 |\n');
    const [first, second] = markdownProblems(root, 'README.md');
    expect(first).toContain('README.md:1');
    expect(second).toContain('shows 2 numbers (1.5, 2.5), its comment names 1');
  });

  it('names a number that the report has not, and goes on', () => {
    writeFileSync(path.join(root, 'results.json'), JSON.stringify({ sections: [], claims: [], format: 'controllab-report-2' }));
    writeFileSync(path.join(root, 'README.md'), '<!-- verify: results.json\nt/a/b -> 1\n-->\n\n| 1.5 |\n\n| 2.5 |\n');
    const [first, second] = markdownProblems(root, 'README.md');
    expect(first).toMatch(/README\.md:5: .*results\.json has no t\/a\/b/);
    expect(second).toContain('README.md:7: its numbers (2.5) come from nowhere');
  });

  it('judges the claims of a report again, and computes their numbers from the trainings', () => {
    const perTraining = [1, 2, 3, 4, 6];
    const { value, interval, method } = meanInterval(perTraining, { over: '5 trainings' });
    const claim: Claim = {
      id: 'fidelity',
      ...{ claim: '', source: '', test: '', quantity: '', rule: { kind: 'above', bound: 0 }, basis: 'trainings', primary: true },
      results: [{ label: null, measured: { value, interval, n: 5, method, seeds: [1, 2, 3, 4, 5], perTraining }, paper: null }],
    };
    const [[judgement]] = judge([claim]) as [[Judgement]];
    const problemsOf = (changes: { verdict?: object; measured?: object; metric?: number }): string => {
      const measured = { ...claim.results[0]!.measured, ...changes.measured };
      const results = [{ ...claim.results[0], measured, ...judgement, ...changes.verdict }];
      const stored = {
        format: 'controllab-report-2',
        provenance: COMMITTED,
        sections: [],
        metrics: { fidelity: changes.metric ?? 3.2 },
        claims: [{ ...claim, results }],
      };
      writeFileSync(path.join(root, 'results.json'), JSON.stringify(stored));
      return reportProblems(root).join();
    };
    expect(problemsOf({})).toBe('');
    expect(problemsOf({ verdict: { text: 'not reproduced' } })).toContain("fidelity says 'not reproduced', its numbers give 'reproduced'");
    expect(problemsOf({ verdict: { p: 0.02 } })).toContain('says p 0.02, its numbers give');
    expect(problemsOf({ measured: { value: 3.3 } })).toContain('says 3.3, the mean of its trainings is 3.2');
    expect(problemsOf({ measured: { interval: [0, 6.4] } })).toContain('says the interval [0, 6.4], its trainings give [0.8');
    expect(problemsOf({ metric: 3.1 })).toContain('metrics has 3.1 for fidelity, which is 3.2');
  });

  it('looks up values, the ends of intervals and points of curves, and says what is missing', () => {
    const find = lookup(path.join(workspaceRoot, 'reports', 'published', 'mini-sd-evaluation', 'results.json'));
    const drawn = 'content/large singles, top-1/drawn';
    expect([find(`${drawn}/n`), find('guidance-top1/base model/8')]).toEqual([174, expect.closeTo(0.5977, 4)]);
    expect(find(`${drawn}/half`)).toBeCloseTo((Number(find(`${drawn}/hi`)) - Number(find(`${drawn}/lo`))) / 2, 12);
    expect(() => find('content/large singles/drawn')).toThrow('has no content/large singles/drawn');
    expect(() => find('quality/drawn/Fréchet distance (mini-inception)/lo')).toThrow('has no');
    const ablation = lookup(path.join(workspaceRoot, 'reports', 'published', 'ablation', 'results.json'));
    // Of six trainings half an interval is t_.975(5) = 2.570582 standard errors.
    expect(Number(ablation('loss-lite/scribble/half'))).toBeCloseTo(
      (2.570582 / Math.sqrt(6)) * Number(ablation('loss-lite/scribble/deviation')),
      8,
    );
    expect(() => find(`${drawn}/deviation`)).toThrow('has no numbers of trainings');
    const weights = lookup(path.join(workspaceRoot, 'packages', 'mini-sd', 'weights'));
    expect([weights('vae/parameters'), String(weights('vae/sha256')).length]).toEqual([1334164, 64]);
    expect(() => weights('vae/beauty')).toThrow("vae stores no 'beauty'");
  });

  it('finds a report of code that is not committed, but for the one of before the rule', () => {
    const problemsOf = (name: string, commit: string | null): string => {
      mkdirSync(path.join(root, name), { recursive: true });
      const stored = { format: 'controllab-report-2', provenance: { commit }, claims: [], sections: [] };
      writeFileSync(path.join(root, name, 'results.json'), JSON.stringify(stored));
      return reportProblems(path.join(root, name)).join();
    };
    expect(problemsOf('ablation', '0123456789ab')).toBe('');
    expect(problemsOf('ablation', '0123456789ab + changes')).toContain('written by code that is not committed (0123456789ab + changes)');
    expect(problemsOf('ablation', null)).toContain('not committed (no repository)');
    expect(problemsOf('mini-sd-evaluation', '9b53011fd069 + changes')).toBe('');
    expect(problemsOf('mini-sd-evaluation', '0123456789ab + changes')).toContain('not committed');
  });

  it('finds a changed digit in a CSV of a report', () => {
    const table = { kind: 'table', id: 't', caption: '', rowHeader: 'x', columns: [{ label: 'y' }], rows: [{ label: 'a', cells: [1.5] }] };
    const stored = {
      format: 'controllab-report-2',
      provenance: COMMITTED,
      claims: [],
      sections: [{ id: 's', title: '', blocks: [table] }],
    };
    writeFileSync(path.join(root, 'results.json'), JSON.stringify(stored));
    writeFileSync(path.join(root, 't.csv'), 'x,y\na,1.5\n');
    expect(reportProblems(root)).toEqual([]);
    writeFileSync(path.join(root, 't.csv'), 'x,y\na,1.6\n');
    expect(reportProblems(root).join()).toContain('t.csv is not what results.json says');
  });

  it('holds the files of a report against its manifest', () => {
    writeFileSync(
      path.join(root, 'results.json'),
      JSON.stringify({ format: 'controllab-report-2', provenance: COMMITTED, claims: [], sections: [] }),
    );
    writeFileSync(path.join(root, 'page.html'), 'page');
    writeFileSync(path.join(root, 'manifest.json'), JSON.stringify({ files: { 'page.html': '0'.repeat(64), 'gone.csv': '' } }));
    expect(reportProblems(root)).toEqual([`${root}: page.html is not the file that was published`, `${root}: gone.csv is missing`]);
    rmSync(path.join(root, 'manifest.json'));
    writeFileSync(path.join(root, 'index.html'), 'page');
    expect(reportProblems(root)).toEqual([`${root}: there is no manifest.json`]);
  });
});
