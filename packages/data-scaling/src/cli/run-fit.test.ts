import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { Progress } from '@controllab/report';
import { computeOptimal } from '../fit/iso-flop.ts';
import { fitOptions, type FitFlags } from './fit.ts';
import { readRuns } from './read-runs.ts';
import { runFit } from './run-fit.ts';

let root: string;
beforeAll(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'run-fit-'))));
afterAll(() => fs.rmSync(root, { recursive: true }));

const table = (name: string, text: string): string => {
  fs.writeFileSync(path.join(root, name), text);
  return path.join(root, name);
};

const run = async (...argv: string[]): Promise<string> => {
  let said = '';
  const flags = parseFlags<FitFlags>(fitOptions(), ['--report', path.join(root, 'report'), '--bootstrap', '20', ...argv]);
  await runFit(flags, 'test', {
    progress: new Progress({ write: (text: string) => void (said += text) }),
    say: (text) => void (said += text),
  });
  return said;
};

const LAW = { E: 1.69, A: 406.4, alpha: 0.34, B: 410.7, beta: 0.28 };
const isoFlopRuns = (): string =>
  [1e18, 1e19, 1e20]
    .flatMap((C) =>
      [0.25, 0.5, 1, 2, 4].map((factor) => {
        const N = computeOptimal(LAW, C).N * factor;
        return `${N},${C},${LAW.E + LAW.A / N ** LAW.alpha + LAW.B / (C / 6 / N) ** LAW.beta}`;
      }),
    )
    .join('\n');

describe('fit', () => {
  it('goes from a table to parameters, intervals, isoFLOP parabolas and a report', async () => {
    const said = await run('--csv', table('runs.csv', `Model Size,Training FLOP,Loss\n${isoFlopRuns()}\n`));
    expect(said).toContain('D is computed as C / (6 N)');
    expect(said).toMatch(/alpha\s+0\.34\b/);
    const results = JSON.parse(fs.readFileSync(path.join(root, 'report', 'results.json'), 'utf8')) as {
      sections: { id: string; blocks: { id?: string; rows?: { label: string; cells: unknown[] }[] }[] }[];
    };
    expect(results.sections.map(({ id }) => id)).toEqual(['chinchilla', 'kaplan', 'isoflop', 'the-runs']);
    const blocks = results.sections.flatMap((section) => section.blocks);
    expect(blocks.find(({ id }) => id === 'isoflop-budgets')!.rows).toHaveLength(3);
    expect(blocks.find(({ id }) => id === 'isoflop-bias')!.rows![0]!.cells[0]).toBe('0.451613');
  });

  it('takes one variable, in columns that are named', async () => {
    const rows = [1e3, 5e3, 1e4, 5e4, 1e5, 1e6].map((d) => `${d};${0.3 + 5 * d ** -0.4}`).join('\n');
    const said = await run(
      '--csv',
      table('sizes.csv', `pictures;FID\n${rows}\n`),
      '--examples',
      'pictures',
      '--loss',
      'FID',
      '--overwrite',
    );
    expect(said).toMatch(/alpha\s+0\.4\b/);
  });
});

describe('readRuns', () => {
  it('names bad rows by number, and leaves them out where that is asked for', async () => {
    const file = table('bad.csv', 'N,D,loss\n1e6,1e8,3\n1e6,,3\n1e7,1e9,nan\n\n1e7,1e9\n2e7,1e9,2.5\n');
    await expect(readRuns(file)).rejects.toThrow(
      /3 of 5 rows are no runs: row 3 \(D is "", not a positive number\); row 4 \(loss is "nan", not a positive number\); row 6 \(has 2 fields, the header 3\)/,
    );
    const { runs, notes } = await readRuns(file, { skipBadRows: true });
    expect([...runs.loss]).toEqual([3, 2.5]);
    expect(notes[0]).toMatch(/3 of 5 rows are left out/);
  });

  it('says which columns there are', async () => {
    const file = table('columns.csv', 'steps,score\n1,2\n');
    await expect(readRuns(file)).rejects.toThrow(/no column is known as the loss; its columns are steps, score: name it with --loss/);
    await expect(readRuns(file, { loss: 'score' })).rejects.toThrow(/no column is known as parameters/);
    await expect(readRuns(file, { loss: 'points' })).rejects.toThrow(/has no column "points" \(--loss\)/);
    await expect(readRuns(path.join(root, 'none.csv'))).rejects.toThrow(/cannot be read/);
  });

  it('leaves out the highest losses', async () => {
    const file = table('high.csv', 'N,loss\n1,5\n2,9\n3,7\n4,1\n');
    expect([...(await readRuns(file, { dropHighest: 2 })).runs.loss]).toEqual([5, 1]);
    await expect(readRuns(file, { dropHighest: 4 })).rejects.toThrow(/leaves none of its 4 runs/);
  });
});
