import type { ExternalTensor } from '@controllab/tfjs-onnx';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readConstant } from './read-constant.ts';
import { readSafetensors } from './safetensors/safetensors.ts';
import { writeSafetensors } from './safetensors/write.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'constant-'));
afterAll(() => rmSync(directory, { recursive: true }));

it.each(['F32', 'F16'] as const)('reads a tensor of %s that stayed in its file', (dtype) => {
  const file = path.join(directory, `${dtype}.safetensors`);
  writeSafetensors(
    file,
    { a: { data: Float32Array.of(9), shape: [1] }, b: { data: Float32Array.of(1, -2.5, 0, 0.125), shape: [2, 2] } },
    { dtype },
  );
  const external = readSafetensors(file).external('b') as ExternalTensor;
  expect(readConstant(external)).toEqual({ data: Float32Array.of(1, -2.5, 0, 0.125), shape: [2, 2] });
  expect(() => readConstant({ ...external, offset: external.offset + 1000 })).toThrow(/the file ends before/);
});
