import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { readSealed, sealedNumber, sealedText, type Sealed } from './sealed.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'sealed-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = pathToFileURL(`${root}/`);

const sealed = {
  report: 'dataset-size',
  command: '',
  commit: '0123456',
  finishedAt: '2026-01-01T00:00:00.000Z',
  table: { rowHeader: '3,000,000 scenes', columns: [{ label: 'foretold' }], rows: [{ label: 'ControlNet, Canny edges', cells: [0.125] }] },
};

it('reads what was sealed, and refuses it once a byte has changed', () => {
  const file = path.join(root, 'size.json');
  expect(readSealed('size', folder)).toBeNull();
  writeFileSync(file, JSON.stringify(sealed));
  expect(() => readSealed('size', folder)).toThrow(/is not what was sealed/);
  writeFileSync(path.join(root, 'SHA256SUMS'), execFileSync('sha256sum', ['size.json'], { cwd: root }));
  const found = readSealed('size', folder)!;
  const number = (column: string, header = '3,000,000 scenes') => sealedNumber(found.sealed, header, 'ControlNet, Canny edges', column);
  expect([number('foretold'), number('low'), number('foretold', '3,000,000 scenes, base mini:noto')]).toEqual([0.125, null, null]);
  writeFileSync(file, JSON.stringify(sealed).replace('0.125', '0.126'));
  expect(() => readSealed('size', folder)).toThrow(/does not stand in SHA256SUMS/);
});

it('says which of what is foretold had ended before the sealing, and not only before the report', () => {
  const text = (sealedAt: string | undefined) =>
    sealedText(
      { sealed: { ...sealed, ...(sealedAt === undefined ? {} : { sealedAt }) } as Sealed, hash: 'ab' },
      { header: '3,000,000 scenes', rows: ['ControlNet, Canny edges'] },
      [{ finishedAt: '2026-01-02T00:00:00.000Z' }, { finishedAt: '2026-01-04T00:00:00.000Z' }],
    );
  expect(text('2026-01-03T00:00:00.000Z')).toMatch(/^Sealed on 2026-01-03, but 1 of the 2 trainings/);
  expect(text(undefined)).toMatch(/^Sealed on 2026-01-01, before what it foretells/);
});
