import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRuns } from './read-runs.ts';

let root: string;
beforeAll(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'read-runs-'))));
afterAll(() => fs.rmSync(root, { recursive: true }));

const table = (name: string, text: string): string => {
  fs.writeFileSync(path.join(root, name), text);
  return path.join(root, name);
};

describe('readRuns', () => {
  it('names bad rows by their lines, and leaves them out where that is asked for', async () => {
    const file = table('bad.csv', 'N,D,loss\n1e6,1e8,3\n1e6,,3\n1e7,1e9,nan\n\n1e7,1e9\n2e7,1e9,2.5\n');
    await expect(readRuns(file)).rejects.toThrow(
      /3 of 5 rows are no runs: line 3 \(D is "", not a positive number\); line 4 \(loss is "nan", not a positive number\); line 6 \(has 2 fields, the header 3\)/,
    );
    const { runs, lines, notes } = await readRuns(file, { skipBadRows: true });
    expect([...runs.loss]).toEqual([3, 2.5]);
    expect(lines).toEqual([2, 7]);
    expect(notes[1]).toMatch(/3 of 5 rows are left out/);
  });

  it('says which columns there are', async () => {
    const file = table('columns.csv', 'steps,score\n1,2\n');
    await expect(readRuns(file)).rejects.toThrow(/no column is known as the loss; its columns are steps, score: name it with --loss/);
    await expect(readRuns(file, { loss: 'score' })).rejects.toThrow(/no column is known as parameters/);
    await expect(readRuns(file, { loss: 'points' })).rejects.toThrow(/has no column "points" \(--loss\)/);
    expect((await readRuns(table('more.csv', 'N,loss,seed,loss_std\n1,2,3,4\n'))).notes).toEqual([
      'N from "N", loss from "loss".',
      'Columns that are not used: "seed", "loss_std".',
    ]);
  });

  it('leaves out the highest losses', async () => {
    const file = table('high.csv', 'N,loss\n1,5\n2,9\n3,7\n4,1\n');
    expect([...(await readRuns(file, { dropHighest: 2 })).runs.loss]).toEqual([5, 1]);
    await expect(readRuns(file, { dropHighest: 4 })).rejects.toThrow(/leaves none of its 4 runs/);
  });

  it('advises to leave out bad rows where others are good', async () => {
    await expect(readRuns(table('all.csv', 'N,loss\n1,nan\n2,nan\n'), { skipBadRows: true })).rejects.toThrow(
      /none of its 2 rows is a run: line 2 \(loss is "nan", not a positive number\); line 3 \([^)]*\)$/,
    );
    await expect(readRuns(table('commas.csv', 'N,loss\n1,2,5\n2,2,4\n'))).rejects.toThrow(
      /has 3 fields, the header 2.*Where a comma is the decimal point, fields must be separated by semicolons or tabs$/,
    );
    await expect(readRuns(table('header.csv', 'N,loss\n'))).rejects.toThrow(/has a header and no rows/);
    await expect(readRuns(table('empty.csv', '\n'))).rejects.toThrow(/is empty/);
  });

  it('says in words what the system refuses, with one path', async () => {
    const none = path.join(root, 'none.csv');
    await expect(readRuns(none)).rejects.toThrow(`${none}: there is no such file or folder. Check its name.`);
    await expect(readRuns(root)).rejects.toThrow(`${root}: a folder lies where a file is needed. Name a file.`);
  });

  it('reads what spreadsheets write', async () => {
    const read = async (text: string) => {
      const { runs, lines, notes } = await readRuns(table('sheet.csv', text));
      return { N: [...runs.N!], loss: [...runs.loss], lines, notes };
    };
    expect(await read('\ufeffsep=;\r\nN;loss\r\n1;2\r\n')).toMatchObject({ N: [1], loss: [2], lines: [3] });
    expect(await read('\n\nN;"a,b,c";loss\n1;x;2\n')).toMatchObject({ N: [1], loss: [2], lines: [4] });
    expect(await read('N,loss\r\n1,2\n3,4\r5,6')).toMatchObject({ N: [1, 3, 5], lines: [2, 3, 4] });
    expect(await read('N,loss,\n1,2,\n,,\n,,\n')).toMatchObject({ N: [1], lines: [2] });
    expect(await read('note,N,loss\n"a\r\nb",1,2\r\n"c\nd",3,4\r\n')).toMatchObject({ N: [1, 3], lines: [2, 4] });
    const comma = await read('N;loss\n10,000;2,5\n20,000;2,25\n');
    expect(comma).toMatchObject({ N: [10, 20], loss: [2.5, 2.25] });
    expect(comma.notes.slice(1)).toEqual([
      'A comma in a number is read as its decimal point: "10,000" is 10.000.',
      'All of "N" are as "10,000", read as 10: write thousands without a point or comma.',
    ]);
  });

  it.each([
    ['German Excel', 'D;loss\n500;4,1\n1.000;3,9\n10.000;3,1\n', /line 3 has "1\.000" in "D"/],
    ['tabs', 'N\tloss\n500\t4.1\n1,000\t3.9\n10,000\t3.1\n', /line 3 has "1,000" in "N": by the rest of the table that may be thousands/],
    ['all of a column', 'N;loss\n1.000;4,1\n10.000;3,1\n', /line 2 has "1\.000"/],
    ['beside whole numbers', 'D;loss\n500;4,1\n1,000;3,9\n', /line 3 has "1,000"/],
  ])('refuses thousands of some sizes: %s', async (_, text, message) => {
    await expect(readRuns(table('thousands.csv', text))).rejects.toThrow(message);
  });

  it('takes decimals of three digits for what they are', async () => {
    const read = async (text: string) => [...(await readRuns(table('decimals.csv', text))).runs.N!];
    expect(await read('N (M);loss\n1,125;4,1\n2,25;3,9\n10,5;3,1\n')).toEqual([1.125e6, 2.25e6, 10.5e6]);
    expect(await read('N,loss\n1.125,4.1\n20,3.9\n')).toEqual([1.125, 20]);
    expect(await read('N;loss\n1,5E+18;4.123\n2;3.5\n')).toEqual([1.5e18, 2]);
  });

  it('says what no table is read from', async () => {
    await expect(readRuns(table('one.csv', 'N|loss\n1|2\n'))).rejects.toThrow(
      /has one column, "N\|loss": its fields are separated by commas, semicolons or tabs/,
    );
    await expect(readRuns(table('book.csv', 'PK\x03\x04rest'))).rejects.toThrow(/is a workbook or an archive: save its table as CSV/);
    await expect(readRuns(table('units.csv', 'N,loss\n70M,2\n'))).rejects.toThrow(
      /N is "70M": write it out, as 70e6, or put the unit into the heading/,
    );
    const sizes = table('sizes.csv', 'size,flops,loss\n1e6,1e15,3\n2e6,2e15,2.8\n');
    await expect(readRuns(sizes)).rejects.toThrow(
      /"size" may be the size of the model or of its data: name it with --params or --examples/,
    );
    expect([...(await readRuns(sizes, { params: 'size' })).runs.N!]).toEqual([1e6, 2e6]);
    expect([...(await readRuns(table('numpy.csv', '# N,D,loss\n1,2,3\n'))).runs.N!]).toEqual([1]);
    expect([...(await readRuns(table('count.csv', '#params,loss\n1,3\n'))).runs.N!]).toEqual([1]);
  });

  it('says where runs are repeated, or several curves are in one table', async () => {
    const { notes } = await readRuns(
      table('curves.csv', `N,loss,arch,run\n${['a', 'b'].map((arch) => `1,3,${arch},r1\n2,2,${arch},r2\n4,1.5,${arch},r3\n`).join('')}`),
    );
    expect(notes.slice(2)).toEqual([
      '"arch" has 2 values (a, b): their runs are fitted as one. Where each has a law of its own, give a table of each.',
      '3 of 6 rows (lines 5, 6, 7) repeat another in all that is read, and count as runs of their own: take them out if they are the same runs.',
    ]);
  });

  it('computes what two of N, D and C leave open, and doubts what cannot be', async () => {
    const { runs, notes } = await readRuns(table('dc.csv', 'tokens,flops,loss\n2e9,6e18,3\n4e9,6e18,2.5\n'));
    expect([...runs.N!]).toEqual([5e8, 2.5e8]);
    expect(notes).toContain('N is computed as C / (6 D).');
    const days = await readRuns(table('days.csv', 'N,flops,loss\n1e8,0.01,3\n'));
    expect(days.notes.at(-1)).toMatch(/^The median D is 1.67e-11: is C in other units than operations\?/);
    const same = await readRuns(table('same.csv', 'N,D,C,loss\n1e8,1e9,7e17,3\n'));
    expect(same.notes).toHaveLength(1);
  });
});
