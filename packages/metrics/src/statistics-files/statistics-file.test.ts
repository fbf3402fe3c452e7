import { writeSafetensors } from '@controllab/core-blocks';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GatheredStatistics } from '../frechet/feature-statistics.ts';
import { readStatistics, writeStatistics } from './statistics-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'statistics-'));
  file = path.join(directory, 'x.safetensors');
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const statistics: GatheredStatistics = {
  n: 3,
  mean: Float64Array.of(0.1, 1 / 3),
  comoment: { data: Float64Array.of(1e300, -1e-300, -1e-300, 0.7), rows: 2, columns: 2 },
  provenance: { network: 'mini-inception', weightsHash: 'ab', preset: 'clean', dtype: 'float32' },
  imageSet: { hash: '0f'.repeat(32) },
};

it('gives back what was written, to the last bit', () => {
  for (const s of [statistics, { ...statistics, imageSet: null }]) {
    writeStatistics(file, s);
    expect(readStatistics(file)).toEqual(s);
  }
});

const metadata = { format: 'feature-statistics/1', n: '3', network: 'x', weightsHash: 'x', preset: 'x', dtype: 'x' };
const mean = { data: Float64Array.of(1, 2), shape: [2] };
const comoment = { data: Float64Array.of(1, 2, 2, 1), shape: [2, 2] };
it.each<[string, Parameters<typeof writeSafetensors>[1], Record<string, string>, RegExp]>([
  ['weights', { mean }, { format: 'pt' }, /no statistics of features: its format is 'pt'/],
  ['no provenance', { mean, comoment }, { ...metadata, network: undefined as never }, /lacks network/],
  ['no count', { mean, comoment }, { ...metadata, n: 'three' }, /n must be a whole number of at least 2, got 'three'/],
  ['a wrong hash', { mean, comoment }, { ...metadata, imageSet: 'xyz' }, /64 hexadecimal digits, got 'xyz'/],
  ['a wrong shape', { mean, comoment: { ...comoment, shape: [4, 1] } }, metadata, /"comoment":"F64 \[4, 1\]"/],
  ['float32', { mean: { data: Float32Array.of(1, 2), shape: [2] }, comoment }, metadata, /"mean":"F32 \[2\]"/],
  ['NaN', { mean: { data: Float64Array.of(1, Number.NaN), shape: [2] }, comoment }, metadata, /holds NaN/],
])('refuses a file with %s, by name', (_, tensors, given, message) => {
  writeSafetensors(file, tensors, { metadata: JSON.parse(JSON.stringify(given)) as Record<string, string> });
  expect(() => readStatistics(file)).toThrow(message);
  expect(() => readStatistics(file)).toThrow(file);
});

it('refuses a damaged file and one that is not there', () => {
  writeStatistics(file, statistics);
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 1]! ^= 1;
  fs.writeFileSync(file, bytes);
  expect(() => readStatistics(file)).toThrow(/damaged/);
  expect(() => readStatistics(path.join(directory, 'no'))).toThrow(/cannot open/);
});
