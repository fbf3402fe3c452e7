import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Conv2d, GroupNorm, Module } from '@controllab/core-blocks';
import { compile, type ExternalTensor } from '@controllab/tfjs-onnx';
import { poolWeights, weightPool } from './weight-pool.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weight-pool-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

describe('weightPool', () => {
  class Small extends Module {
    norm = new GroupNorm(1, 3);
    conv = new Conv2d(3, 5, 3);
  }

  it('gives every tensor a stretch of one file that a session reads, and norms a scale of one', async () => {
    const module = new Small();
    const pool = await weightPool(directory, [module]);
    const weights = poolWeights(module, pool);
    expect(weights['norm.weight']).toEqual({ data: Float32Array.of(1, 1, 1), shape: [3] });
    const { offset, length } = weights['conv.weight'] as ExternalTensor;
    expect([offset % 64, length]).toEqual([0, 4 * 135]);
    expect(offset + length).toBeLessThanOrEqual(4 * pool.length);
    const compiled = await compile(
      ({ constants }) => ({ outputs: { w: constants['conv.weight']! } }),
      { constants: weights },
      { threads: 1 },
    );
    const { w } = await compiled.run({});
    await compiled.release();
    const bytes = fs.readFileSync(pool.file).subarray(offset, offset + length);
    expect(Buffer.from(w!.data.buffer, w!.data.byteOffset, w!.data.byteLength).equals(bytes)).toBe(true);
    expect(Math.max(...(w!.data as Float32Array).map(Math.abs))).toBeLessThan(0.02);
  });

  it('is made once, and again when it was cut short', async () => {
    const { file } = await weightPool(directory, [new Small()]);
    const { mtimeMs, size } = fs.statSync(file);
    await weightPool(directory, [new Small()]);
    expect(fs.statSync(file).mtimeMs).toBe(mtimeMs);
    fs.truncateSync(file, 1000);
    await weightPool(directory, [new Small()]);
    expect(fs.statSync(file).size).toBe(size);
  });
});
