import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { draw } from '../examples/draw.ts';
import * as api from './index.ts';
import { writeTinyControlNet, writeTinyModel } from './testing/tiny-checkpoint.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = fs.readFileSync(at('README.md'), 'utf8');

it('README shows an example that runs', async () => {
  expect(/```ts\n([^]*?)```/.exec(readme)![1]).toBe(fs.readFileSync(at('examples/draw.ts'), 'utf8'));
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'readme-'));
  try {
    const [model, control] = [path.join(directory, 'model'), path.join(directory, 'control')];
    writeTinyModel(model);
    writeTinyControlNet(control);
    const edges = { data: new Float32Array(3 * 16 * 32).fill(1), shape: [1, 3, 16, 32] };
    const { width, height, rgb } = await draw(model, control, 'a cat', edges);
    expect([width, height, rgb.length]).toEqual([32, 16, 32 * 16 * 3]);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

it('README names every export', () => {
  for (const name of Object.keys(api)) expect(readme).toContain(`\`${name}`);
});
