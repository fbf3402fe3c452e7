import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  countParameters,
  externalStateDict,
  initialize,
  readSafetensors,
  sd15,
  UNet2DConditionModel,
  withParameters,
  writeSafetensors,
} from '@controllab/core-blocks';
import { compile } from '@controllab/tfjs-onnx';

// Building a network allocates nothing.
console.log('Stable Diffusion 1.5:', countParameters(sd15()));

// Keys of the config are diffusers'; names of the parameters are those of its checkpoints.
const unet = new UNet2DConditionModel({
  block_out_channels: [32, 64],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 4,
  cross_attention_dim: 16,
});
const directory = mkdtempSync(path.join(os.tmpdir(), 'unet-'));
const file = path.join(directory, 'unet.safetensors');
writeSafetensors(file, initialize(unet, 1));

// The weights stay in their file: the engine reads them from there.
const step = await compile(
  ({ inputs, constants }) =>
    withParameters(unet, constants, () => ({ outputs: { noise: unet.forward(inputs['z']!, inputs['t']!, inputs['text']!) } })),
  {
    inputs: { z: { shape: [1, 4, 8, 8] }, t: { shape: [1] }, text: { shape: [1, 7, 16] } },
    constants: externalStateDict(unet, readSafetensors(file)),
  },
);
const { noise } = await step.run({
  z: { data: new Float32Array(256).fill(1), shape: [1, 4, 8, 8] },
  t: { data: Float32Array.of(500), shape: [1] },
  text: { data: new Float32Array(112), shape: [1, 7, 16] },
});
console.log('prediction:', noise!.shape);
await step.release();
rmSync(directory, { recursive: true });
