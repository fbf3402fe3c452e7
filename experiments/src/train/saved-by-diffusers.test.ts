import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, openControl, type Base } from '@controllab/base-model';
import { writeTinyModel } from '@controllab/base-model/testing';
import { parseFlags } from '@controllab/command-line';
import { withParameters, readConstant } from '@controllab/core-blocks';
import { openMini } from '@controllab/mini-sd';
import { exportDiffusers } from '@controllab/mini-sd/export-diffusers';
import { findPython, madeUpNumbers } from '@controllab/python-peer';
import { Progress } from '@controllab/report';
import { compile } from '@controllab/tfjs-onnx';
import { generateFlags, generateOptions, type GenerateFlags } from '../generate/options.ts';
import { generate } from '../generate/generate.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const engine = { threads: 1 };
const { python, reason } = findPython(['diffusers', 'torch', 'numpy']);
if (python === null) console.warn(`not beside diffusers: ${reason}`);

let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'saved-by-diffusers-'))));
afterAll(() => rmSync(root, { recursive: true }));

/** diffusers' ControlNet of a base's U-Net, saved by diffusers, with the residuals that it gives there. */
function saveBeside(folder: string, unet: string, widths: readonly number[]): number[][] {
  cpSync(unet, path.join(folder, 'unet'), { recursive: true });
  writeFileSync(path.join(folder, 'widths.json'), JSON.stringify(widths));
  const env = {
    ...process.env,
    PYTHONPATH: path.dirname(fileURLToPath(import.meta.resolve('@controllab/python-peer'))),
    OMP_NUM_THREADS: '1',
  };
  const ended = spawnSync(python!, [here('testing/saved_by_diffusers.py'), folder], { env, encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(ended.stderr);
  return JSON.parse(readFileSync(path.join(folder, 'residuals.json'), 'utf8')) as number[][];
}

/** The residuals that a control of ours gives for the same inputs. */
async function residuals(folder: string, base: Base): Promise<Float32Array[]> {
  const { control, weights } = openControl(folder, base);
  const { context, sample } = base.denoiser().inputs(1, { width: 16, height: 16 });
  const fed = {
    sample: madeUpNumbers('sample', [1, sample!.shape[1]!, 16, 16]),
    timesteps: { data: Float32Array.of(321), shape: [1] },
    context: madeUpNumbers('context', [1, 5, context!.shape[2]!]),
    condition: madeUpNumbers('condition', [1, 3, 16 * base.factor, 16 * base.factor]),
  };
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters({ control: control.module }, constants, () => {
        const { downBlockAdditionalResiduals: down = [], midBlockAdditionalResidual: mid } = control.apply(inputs);
        return { outputs: Object.fromEntries([...down, mid!].map((residual, i) => [`residual ${i}`, residual])) };
      }),
    {
      inputs: Object.fromEntries(Object.entries(fed).map(([name, { shape }]) => [name, { shape }])),
      constants: weights,
    },
    engine,
  );
  const given = await network.run(fed);
  await network.release();
  return Object.keys(given).map((_, i) => given[`residual ${i}`]!.data as Float32Array);
}

async function drawn(folder: string, model: string[]): Promise<Buffer> {
  const condition = path.join(root, 'condition.png');
  copyFileSync(here('../../../reports/published/controlnext-speed.png'), condition);
  const flags = parseFlags<GenerateFlags>(generateFlags(), [
    ...model, `--controlnet=${folder}`, `--condition=${condition}`, '--extractor=canny', '--prompt=a cat', '--steps=1', '--width=64',
    '--height=64', `--out=${path.join(root, 'drawn.png')}`, '--overwrite',
  ]); // prettier-ignore
  const [file] = await generate(generateOptions(flags), new Progress());
  return readFileSync(file!);
}

describe.skipIf(python === null)('a ControlNet that diffusers made and saved', () => {
  it.each<[string, readonly number[], (folder: string) => Promise<{ base: Base; unet: string; model: string[] }>]>([
    [
      'of the embedded default',
      [16, 32, 64],
      async (folder) => {
        await exportDiffusers(path.join(folder, 'mini'));
        return { base: openMini(), unet: path.join(folder, 'mini', 'unet'), model: [] };
      },
    ],
    [
      "of a U-Net with Stable Diffusion's config",
      [2, 2, 2, 4],
      async (folder) => {
        const model = path.join(folder, 'sd');
        writeTinyModel(model);
        return { base: openCheckpoint(model), unet: path.join(model, 'unet'), model: [`--model=${model}`] };
      },
    ],
  ])(
    '%s gives the same residuals here, and draws',
    async (label, widths, make) => {
      const folder = path.join(root, label);
      mkdirSync(folder);
      const { base, unet, model } = await make(folder);
      const expected = saveBeside(folder, unet, widths);
      const saved = path.join(folder, 'saved');
      const found = await residuals(saved, base);
      expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
      expected.forEach((values, r) => {
        const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
        expect(largest).toBeGreaterThan(0.01);
        const worst = values.reduce((a, value, i) => Math.max(a, Math.abs(found[r]![i]! - value)), 0);
        expect(worst / largest).toBeLessThan(1e-5);
      });
      expect(existsSync(path.join(folder, 'saved-f16', 'diffusion_pytorch_model.fp16.safetensors'))).toBe(true);
      const [half, whole] = [openControl(path.join(folder, 'saved-f16'), base).weights, openControl(saved, base).weights];
      for (const [name, tensor] of Object.entries(half)) {
        const { data } = readConstant(tensor);
        readConstant(whole[name]!).data.forEach((value, i) =>
          expect(Math.abs(data[i]! - value)).toBeLessThan(1e-3 * (1 + Math.abs(value))),
        );
      }
      expect((await drawn(saved, model)).subarray(1, 4).toString()).toBe('PNG');
    },
    300_000,
  );
});
