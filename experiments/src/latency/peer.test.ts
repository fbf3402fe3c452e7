import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { imageDenoiser, videoDenoiser } from '@controllab/base-model';
import { withParameters, type Denoiser } from '@controllab/core-blocks';
import { diffusersModules, findPython } from '@controllab/python-peer';
import { compile } from '@controllab/tfjs-onnx';
import { exampleInputs } from '../full-size/target.ts';
import { poolWeights, weightPool } from '../full-size/weight-pool.ts';
import { peerNetwork, timeDiffusers } from './peer.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latency-peer-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

const SETTING = { factor: 8, latent: { height: 8, width: 8 } };
const SMALL = { layers_per_block: 1, cross_attention_dim: 8 };

/** Stable Diffusion, SDXL and Stable Video Diffusion, small. */
const DENOISERS: Record<string, () => Denoiser> = {
  sd15: () =>
    imageDenoiser(
      {
        ...SMALL,
        block_out_channels: [32, 32],
        down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
        up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
        attention_head_dim: 2,
      },
      { ...SETTING, family: 'sd15', tokens: 5 },
    ),
  sdxl: () =>
    imageDenoiser(
      {
        ...SMALL,
        block_out_channels: [32, 32],
        down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
        up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
        attention_head_dim: [2, 4],
        use_linear_projection: true,
        addition_embed_type: 'text_time',
        addition_time_embed_dim: 4,
        projection_class_embeddings_input_dim: 32,
      },
      { ...SETTING, family: 'sdxl', tokens: 5 },
    ),
  svd: () =>
    videoDenoiser(
      {
        ...SMALL,
        block_out_channels: [32, 32],
        down_block_types: ['DownBlockSpatioTemporal', 'CrossAttnDownBlockSpatioTemporal'],
        up_block_types: ['CrossAttnUpBlockSpatioTemporal', 'UpBlockSpatioTemporal'],
        num_attention_heads: 2,
        addition_time_embed_dim: 4,
        projection_class_embeddings_input_dim: 12,
      },
      { ...SETTING, family: 'svd', tokens: 1, frames: 3 },
    ),
};

const { python, reason } = findPython(diffusersModules('eager'));

// Vitest prints the name of a skipped suite: it says what is missing.
describe.skipIf(python === null)(`diffusers${python === null ? ` (skipped: ${reason})` : ''}`, () => {
  it.each(Object.keys(DENOISERS))(
    'computes for %s what we compute from the same weights and inputs',
    async (family) => {
      const denoiser = DENOISERS[family]!();
      const pool = await weightPool(directory, [denoiser.unet]);
      const specs = denoiser.inputs(1);
      const compiled = await compile(
        ({ inputs, constants }) => ({ outputs: { y: withParameters({ unet: denoiser.unet }, constants, () => denoiser.predict(inputs)) } }),
        {
          inputs: specs,
          constants: Object.fromEntries(Object.entries(poolWeights(denoiser.unet, pool)).map(([name, t]) => [`unet.${name}`, t])),
        },
      );
      const { data } = (await compiled.run(exampleInputs(specs))).y!;
      await compiled.release();
      const ours = (data as Float32Array).reduce((sum, x) => sum + x * x, 0) / data.length;
      const setting = { ...peerNetwork(denoiser, pool), threads: 1, mode: 'eager' } as const;
      const { meanSquare, seconds } = await timeDiffusers(python!, setting, { warmUp: 0, steps: 1 });
      expect(seconds).toHaveLength(1);
      expect(Math.abs(meanSquare / ours - 1)).toBeLessThan(1e-4);
    },
    300_000,
  );
});
