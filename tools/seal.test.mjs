import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const repository = path.join(import.meta.dirname, '..');
let root;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'seal-'));
  // A copy of the tool seals beside the copy, not in this repository.
  mkdirSync(path.join(root, 'tools'));
  cpSync(path.join(import.meta.dirname, 'seal.mjs'), path.join(root, 'tools/seal.mjs'));
  symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true }));

const seal = (...args) => {
  const node = ['--conditions=controllab', '--import', 'tsx', path.join(root, 'tools/seal.mjs'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
};

const table = { kind: 'table', id: 'foretold', columns: [{ label: 'value' }], rows: [{ label: 'larger run', cells: [0.25] }] };
const report = (commit) => {
  const folder = path.join(root, 'report');
  mkdirSync(folder, { recursive: true });
  const provenance = { command: 'controllab x', commit, finishedAt: '2026-11-26T00:00:00Z' };
  const text = JSON.stringify({ id: 'x', sections: [{ blocks: [table] }], provenance });
  writeFileSync(path.join(folder, 'results.json'), text);
  const files = { 'results.json': createHash('sha256').update(text).digest('hex') };
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ format: 'controllab-manifest-1', files }));
  return folder;
};

it('seals nothing of results that were edited since', () => {
  const folder = report('abc');
  const file = path.join(folder, 'results.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('0.25', '0.26'));
  expect(seal(folder, 'foretold', 'x')).toMatchObject({ status: 1, stderr: expect.stringContaining('is not what the report wrote') });
});

it('seals a table once, under its hash', () => {
  const folder = report('abc');
  expect(seal(folder, 'foretold', 'x')).toMatchObject({ status: 0, stdout: expect.stringContaining('sealed 1 predictions') });
  const sealed = path.join(root, 'experiments/src/declarations/sealed');
  const text = readFileSync(path.join(sealed, 'x.json'), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ report: 'x', commit: 'abc', table: { rows: [{ label: 'larger run', cells: [0.25] }] } });
  const hash = createHash('sha256').update(text).digest('hex');
  expect(readFileSync(path.join(sealed, 'SHA256SUMS'), 'utf8')).toBe(`${hash}  x.json\n`);
  expect(seal(folder, 'foretold', 'x')).toMatchObject({ status: 1, stderr: expect.stringMatching(/x\.json is sealed already\n$/) });
  expect(readFileSync(path.join(sealed, 'x.json'), 'utf8')).toBe(text);
});

it('says in a line what it cannot seal', () => {
  expect(seal(path.join(root, 'nothing'), 'foretold', 'x')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^\S+nothing has no results\.json: .*\n$/),
  });
  expect(seal(report('abc+'), 'foretold', 'x')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('code that is not committed (abc+)'),
  });
  expect(seal(report('abc'), 'laws', 'x')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("has no table 'laws'; there are foretold"),
  });
  expect(seal(report('abc'), 'foretold', '../x')).toMatchObject({ status: 2, stderr: expect.stringContaining('usage:') });
  expect(existsSync(path.join(root, 'experiments'))).toBe(false);
});
