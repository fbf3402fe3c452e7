import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { Progress } from '@controllab/report';
import { computeOptimal } from '../fit/iso-flop.ts';
import { checkedFlags, fitOptions, type FitFlags } from './fit.ts';
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
/** Runs of the law at three budgets: N, operations and loss; with `unit` D too, and operations in that unit. */
const isoFlopRuns = (unit?: (C: number) => number): string =>
  [1e18, 1e19, 1e20]
    .flatMap((C) =>
      [0.25, 0.5, 1, 2, 4].map((factor) => {
        const N = computeOptimal(LAW, C).N * factor;
        const D = C / 6 / N;
        return [N, ...(unit === undefined ? [C] : [D, unit(C)]), LAW.E + LAW.A / N ** LAW.alpha + LAW.B / D ** LAW.beta].join(',');
      }),
    )
    .join('\n');

interface Results {
  takeaway: string;
  sections: {
    id: string;
    blocks: { id?: string; rows?: { label: string; cells: unknown[] }[]; series?: { x: number[] }[] }[];
  }[];
}
const results = (): Results => JSON.parse(fs.readFileSync(path.join(root, 'report', 'results.json'), 'utf8')) as Results;
const block = (id: string): Results['sections'][number]['blocks'][number] =>
  results()
    .sections.flatMap((section) => section.blocks)
    .find((one) => one.id === id)!;

describe('what is told of runs that tell little', () => {
  const sizes = Array.from({ length: 8 }, (_, i) => 1e3 * 10 ** (i / 2));
  const off = [0.004, -0.006, 0.002, 0.005, -0.003, 0.001, -0.004, 0.003];
  const rows = (of: (D: number) => number): string => sizes.map((D, i) => `${D},${of(D) * (1 + off[i]!)}`).join('\n');

  it('is a law of operations where examples grow with parameters', async () => {
    const line = sizes.map((N, i) => `${N},${20 * N},${(1.7 + 10 * N ** -0.3) * (1 + off[i]!)}`).join('\n');
    const said = await run('--csv', table('ray.csv', `N,D,loss\n${line}\n`));
    expect(said).toContain('what each of them does cannot be told apart, and the laws are those of C');
    expect(results().sections.map(({ id }) => id)).toEqual(['power-c', 'offset-power-c', 'the-runs']);
  });

  it('is the power where no offset is asked for, and a doubt where the loss rises', async () => {
    await run('--csv', table('pure.csv', `D,loss\n${rows((D) => 8 * D ** -0.12)}\n`));
    expect(results().takeaway).toMatch(/^L\(D\) = A \/ D\^alpha with/);
    const said = await run('--csv', table('score.csv', `D,loss\n${rows((D) => 0.4 * D ** 0.05)}\n`));
    expect(said).toContain(
      'the loss rises with D. Of an accuracy or another score give what is missing to its best value, as 1 - accuracy.',
    );
  });

  it('refuses a delta beside least squares', async () => {
    await expect(run('--csv', 'x', '--least-squares', '--delta', '0.1')).rejects.toThrow(
      /'--delta <number>' cannot be used with option '--least-squares'/,
    );
  });
});

describe('what nothing would heed', () => {
  it.each([
    ['D,loss\n1,3\n2,2\n4,1.5\n8,1.2\n', /--flop-tolerance is for isoFLOP budgets, .*: that takes parameters and examples, or one of them/],
    ['N,D,loss\n9,1,3\n9,2,2\n9,4,1.5\n9,8,1.2\n', /which these runs have none of\. All runs have the same N/],
  ])('is a tolerance of budgets that there are none of: %j', async (text, message) => {
    await expect(run('--csv', table('no-budgets.csv', text), '--overwrite', '--flop-tolerance', '0.2')).rejects.toThrow(message);
  });

  it('is the seed of no bootstrap', () => {
    const checked = (...argv: string[]): FitFlags => {
      const command = fitOptions();
      return checkedFlags(parseFlags<FitFlags>(command, ['--csv', 'x', ...argv]), command);
    };
    expect(() => checked('--bootstrap', '0', '--seed', '1')).toThrow(/--seed is that of the bootstrap, .*: leave it out/);
    expect([checked('--bootstrap', '0').seed, checked('--seed', '2').seed]).toEqual([1, 2]);
  });
});

describe('fit', () => {
  it('goes from a table to parameters, intervals, isoFLOP parabolas and a report', async () => {
    const said = await run('--csv', table('runs.csv', `Model Size,Training FLOP,Loss\n${isoFlopRuns()}\n`));
    expect(said).toContain('D is computed as C / (6 N)');
    expect(said).toMatch(/alpha\s+0\.34\b/);
    expect(results().sections.map(({ id }) => id)).toEqual(['chinchilla', 'kaplan', 'isoflop', 'the-runs']);
    expect(block('isoflop-budgets').rows).toHaveLength(3);
    expect(block('isoflop-bias').rows![0]!.cells[0]).toBe('0.451613');
  });

  it('takes one variable, in columns that are named', async () => {
    const rows = [1e3, 5e3, 1e4, 5e4, 1e5, 1e6].map((d) => `${d};${0.3 + 5 * d ** -0.4}`).join('\n');
    const file = table('sizes.csv', `pictures;FID\n${rows}\n`);
    expect(await run('--csv', file, '--examples', 'pictures', '--loss', 'FID', '--overwrite')).toMatch(/alpha\s+0\.4\b/);
  });

  it('shows measured losses beside parabolas, and vertices, and names runs by their lines', async () => {
    await run('--csv', table('runs.csv', `Model Size,Training FLOP,Loss\n\n${isoFlopRuns()}\n`), '--overwrite');
    const parabolas = block('isoflop-parabolas').series!;
    expect(parabolas.map(({ x }) => x.length)).toEqual([5, 41, 5, 41, 5, 41, 3]);
    // The curve goes from the smallest model that was measured to the largest.
    expect(parabolas[1]!.x[0]).toBeCloseTo(parabolas[0]!.x[0]!, 3);
    expect(parabolas[1]!.x.at(-1)! / parabolas[0]!.x.at(-1)!).toBeCloseTo(1, 9);
    expect(block('runs').rows!.map(({ label }) => label)).toEqual(Array.from({ length: 15 }, (_, i) => String(i + 3)));
  });

  it('reads the best model of the law at 6 N D, in whatever unit C is', async () => {
    const days = isoFlopRuns((C) => C / 8.64e19);
    const said = await run('--csv', table('days.csv', `N,D,flops,loss\n${days}\n`), '--overwrite');
    expect(said).toContain('C is 1.16e-20 times 6 N D in the median run');
    const [first] = block('isoflop-budgets').rows!;
    expect(Number(first!.cells.at(-1)) / computeOptimal(LAW, 1e18).N).toBeCloseTo(1, 3);
  });

  it('fits where one exponent is below zero, without what no such law has', async () => {
    // More parameters are worse but for few examples.
    const rows = [1e18, 1e19, 1e20].flatMap((C, k) =>
      [-2, -1, 0, 1, 2].map((f) => {
        const N = 1e8 * 10 ** (k / 2) * 2 ** f;
        return `${N},${C},${2 + 0.03 * f * f + 0.1 * Math.log(N / 1e8) + 0.01 * ((3 * f * f + k) % 5)}`;
      }),
    );
    await run('--csv', table('rising.csv', `N,flops,loss\n${rows.join('\n')}\n`), '--overwrite', '--bootstrap', '0');
    // Neither the law's best models nor what parabolas make of it.
    expect(block('isoflop-budgets').rows![0]!.cells).toHaveLength(5);
    expect(block('isoflop-bias')).toBeUndefined();
    expect(fs.readFileSync(path.join(root, 'report', 'index.html'), 'utf8')).toContain('the bias of the parabolas is not known');
  });

  it('falls back to the law of what differs', async () => {
    const rows = [1e8, 2e8, 4e8, 8e8, 16e8, 32e8].map((D, i) => `1e8,${D},${1.7 + 400 * D ** -0.28 + 0.001 * (i % 2)}`).join('\n');
    const said = await run('--csv', table('one-size.csv', `N,D,loss\n${rows}\n`), '--overwrite');
    expect(said).toContain('All runs have the same N: the laws are those of D alone');
    expect(said).toContain('L(D) = E + A / D^alpha: objective');
  });

  it('has no intervals where the losses are a law exactly, and Kaplan\u2019s own of the bootstrap', async () => {
    const exact = await run('--csv', table('exact.csv', `N,flops,loss\n${isoFlopRuns()}\n`), '--overwrite');
    expect(exact).toMatch(/alpha\s+0\.34\s+not known\n/);
    expect(exact).toContain('the losses follow it exactly');
    expect(exact).toMatch(/^alphaN\s+\S+\s+bootstrap only\s+\S+ to \S+$/m);
    expect(exact).not.toContain('see above');
  });

  it('says with all notes why no law can be fitted', async () => {
    const file = table('alike.csv', 'N,loss,seed\n1e6,2,1\n2e6,2,1\n4e6,2,1\n8e6,2,1\nx,2,1\n');
    await expect(run('--csv', file, '--skip-bad-rows', '--overwrite')).rejects.toThrow(
      /all losses are equal.*not used: "seed".*1 of 5 rows are left out: line 6/,
    );
  });

  it('says beforehand what a long bootstrap costs', async () => {
    const rows = [1, 2, 4, 8, 16, 32].map((D, i) => `${D},${3 * D ** -0.3 + 0.01 * (i % 2)}`).join('\n');
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 500));
    try {
      const said = await run('--csv', table('long.csv', `D,loss\n${rows}\n`), '--overwrite', '--bootstrap', '100');
      // The third resample is the first to end after two seconds: it is asked twice a resample.
      expect(said).toContain('power-d: 100 bootstraps take about 1m 23s here; --bootstrap takes a smaller number, 0 for none');
    } finally {
      clock.mockRestore();
    }
  });

  it('lets others have their turn after every search: signals are heard', async () => {
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const rows = [1, 2, 4, 8, 16, 32].map((D, i) => `${D},${3 * D ** -0.3 + 0.01 * (i % 2)}`).join('\n');
    await run('--csv', table('turns.csv', `D,loss\n${rows}\n`), '--overwrite', '--bootstrap', '50');
    over = true;
    // Two laws with 50 resamples each.
    expect(turns).toBeGreaterThan(100);
  });
});
