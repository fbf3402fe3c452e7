import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { aestheticHead, readAestheticHead } from './head.ts';
import { aestheticScore } from './score.ts';

const t = (shape: number[], ...data: number[]): HostTensor => ({ data: Float32Array.from(data), shape });
/** 3 > 2 > 1 > 1 > 1 > 1. */
const V2 = {
  'layers.0.weight': t([2, 3], 1, 2, 3, 0, -1, 1),
  'layers.0.bias': t([2], 0.5, -0.5),
  'layers.2.weight': t([1, 2], 2, -1),
  'layers.2.bias': t([1], 1),
  'layers.4.weight': t([1, 1], -3),
  'layers.4.bias': t([1], 0.25),
  'layers.6.weight': t([1, 1], 0.5),
  'layers.6.bias': t([1], 0),
  'layers.7.weight': t([1, 1], -2),
  'layers.7.bias': t([1], 4),
};

describe('aestheticHead', () => {
  it('takes version 1 as it is', () => {
    expect(aestheticHead({ weight: t([1, 2], 3, -4), bias: t([1], 0.5) })).toEqual({
      name: 'LAION aesthetic v1',
      weight: Float64Array.of(3, -4),
      bias: 0.5,
      backbone: 'ViT-L/14',
    });
  });

  it('multiplies the layers of version 2 out', () => {
    // [2, -1] W0 = [2, 5, 5]; times -3 x 0.5 x -2 = 3. Bias: ((2 x 0.5 + 0.5 + 1) x -3 + 0.25) x 0.5 x -2 + 4 = 11.25
    expect(aestheticHead(V2)).toEqual({
      name: 'LAION aesthetic v2',
      weight: Float64Array.of(6, 15, 15),
      bias: 11.25,
      backbone: 'ViT-L/14',
    });
  });

  it('refuses other networks by name', () => {
    const rest = Object.entries(V2).filter(([name]) => name !== 'layers.4.bias');
    expect(() => aestheticHead({ ...Object.fromEntries(rest), 'layers.1.weight': t([1], 1) })).toThrow(
      /version 2: missing layers\.4\.bias, unexpected layers\.1\.weight/,
    );
    expect(() => aestheticHead({ ...V2, 'layers.2.weight': t([1, 3], 1, 2, 3) })).toThrow(
      /layers\.0\.weight is \[2, 3\] and layers\.0\.bias \[2\], expected \[3, D\] and \[3\]/,
    );
    expect(() => aestheticHead({ weight: t([2], 1, 2), bias: t([1], 0) })).toThrow(/version 1: weight is \[2\]/);
    expect(() => aestheticHead({ weight: t([1, 1], Number.NaN), bias: t([1], 0) })).toThrow(/NaN or infinities/);
    expect(() => aestheticHead(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i}`, t([1], 0)])))).toThrow(/and 22 more$/);
  });

  describe('from a file', () => {
    let directory: string;
    beforeAll(() => {
      directory = fs.mkdtempSync(path.join(os.tmpdir(), 'aesthetic-'));
    });
    afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

    it('reads safetensors and names the file in errors', async () => {
      const [good, bad] = ['good.safetensors', 'bad.safetensors'].map((name) => path.join(directory, name)) as [string, string];
      writeSafetensors(good, V2);
      writeSafetensors(bad, { weight: t([1, 1], 1) });
      expect(await readAestheticHead(good)).toEqual(aestheticHead(V2));
      await expect(readAestheticHead(bad)).rejects.toThrow(/bad\.safetensors: .*missing bias/);
      await expect(readAestheticHead(path.join(directory, 'none.pth'))).rejects.toThrow(/none\.pth cannot be read/);
    });
  });
});

describe('aestheticScore', () => {
  const head = { name: 'LAION aesthetic v1', weight: Float64Array.of(3, -4), bias: 0.5 };

  it('is of the direction of an embedding, not of its length', () => {
    const { name, perImage, mean } = aestheticScore(head, { data: Float32Array.of(3, 4, 30, 40, -2, 0), shape: [3, 2] }, 'ViT-L/14');
    expect(name).toBe('LAION aesthetic v1 (ViT-L/14)');
    for (const [i, want] of [-0.9, -0.9, -2.5].entries()) expect(perImage[i]).toBeCloseTo(want, 12);
    expect(mean).toMatchObject({ n: 3, value: expect.closeTo(-4.3 / 3, 12) as number });
  });

  it('has an interval that does not depend on the images\u2019 order, also where it is drawn', () => {
    const data = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i * i) + 2);
    const turned = Float32Array.from(data, (_, i) => data[48 - i + 2 * (i % 2)]!);
    const [there, back] = [data, turned].map((all) => aestheticScore(head, { data: all, shape: [25, 2] }, 'x'));
    expect(back!.perImage).toEqual(there!.perImage.slice().reverse());
    expect(there!.mean.method).toMatch(/bootstrap/);
    expect(back!.mean).toEqual(there!.mean);
  });

  it('refuses embeddings of another CLIP, NaN and zeros', () => {
    expect(() => aestheticScore(head, { data: new Float32Array(3).fill(1), shape: [1, 3] }, 'ViT-B/32')).toThrow(
      /v1 \(ViT-B\/32\): the predictor takes embeddings of 2 dimensions, got 3/,
    );
    expect(() => aestheticScore(head, { data: Float32Array.of(1, Number.NaN), shape: [1, 2] }, 'x')).toThrow(/feature 1 of row 0 is NaN/);
    expect(() => aestheticScore(head, { data: Float32Array.of(1, 1, 0, 0), shape: [2, 2] }, 'x')).toThrow(/embedding 1 is all zeros/);
  });
});
