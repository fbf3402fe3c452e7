import * as tf from '@tensorflow/tfjs';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compile, type ExternalTensor, type HostTensor } from '@controllab/tfjs-onnx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWeights } from './checkpoint-directory.ts';
import { inLayout, type Layout } from './layouts/layout.ts';
import { ldmText, ldmUNet, ldmVae } from './layouts/ldm-layout.ts';
import { initialize, withParameters, type Module } from '../module.ts';
import { readSafetensors } from './safetensors/safetensors.ts';
import { externalStateDict, loadStateDict } from './state-dict.ts';
import type { TensorSource } from './tensor-source.ts';
import { representable, writeTensors, type FloatDtype } from './testing/write-tensors.ts';
import { ClipTextTower } from '../clip/text-tower.ts';
import { UNet2DConditionModel } from '../unet/unet.ts';
import { AutoencoderKL } from '../autoencoder/vae.ts';

const UNET = {
  block_out_channels: [8, 16],
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const VAE = {
  block_out_channels: [4, 8],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
};
const TEXT = {
  vocab_size: 10,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 4,
  projection_dim: 6,
};
const unet = new UNet2DConditionModel(UNET);
const vae = new AutoencoderKL(VAE);
const text = new ClipTextTower(TEXT);

const weights = (module: Module, seed: number): Record<string, HostTensor> => representable(initialize(module, seed));
const unetWeights = weights(unet, 1);
const vaeWeights = weights(vae, 2);
const textWeights = weights(text, 3);

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoint-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => path.join(directory, name);

/** Shapes and bytes, quick to compare. */
const fingerprint = (tensors: Record<string, HostTensor>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [
      name,
      `[${shape}] ${createHash('sha256')
        .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        .digest('hex')}`,
    ]),
  );

/** A U-Net's output with constants that lie in the files. */
async function run(source: TensorSource): Promise<number[]> {
  const ramp = (...shape: number[]): HostTensor => ({
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
    shape,
  });
  const inputs = { x: ramp(1, 4, 4, 4), t: ramp(1), c: ramp(1, 2, 8) };
  const compiled = await compile(
    ({ inputs: { x, t, c }, constants }) =>
      withParameters(unet, constants, () => ({ outputs: { y: unet.forward(x as tf.Tensor, t as tf.Tensor, c as tf.Tensor) } })),
    {
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])),
      constants: externalStateDict(unet, source),
    },
    { threads: 1 },
  );
  const { y } = await compiled.run(inputs);
  await compiled.release();
  return [...y!.data];
}

/** Writes tensors as a directory with an index and three shards. */
function writeShards(tensors: Record<string, HostTensor>, dtype: FloatDtype, index: string): Record<string, string> {
  const names = Object.keys(tensors);
  const weightMap: Record<string, string> = {};
  for (let i = 0; i < 3; i++) {
    const file = `part-${i}.safetensors`;
    const own = names.filter((_, n) => n % 3 === i);
    writeTensors(at(file), Object.fromEntries(own.map((name) => [name, tensors[name]!])), dtype);
    for (const name of own) weightMap[name] = file;
  }
  fs.writeFileSync(at(index), JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }));
  return weightMap;
}

/** What a file in another layout holds for a module: the inverse of reading it. */
function store(tensors: Record<string, HostTensor>, { prefix, stored }: Layout): Record<string, HostTensor> {
  const file: Record<string, HostTensor> = {};
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    const place = stored(name);
    const key = prefix + place.name;
    if (place.transposed) {
      const [rows, columns] = shape as [number, number];
      file[key] = {
        data: Float32Array.from({ length: data.length }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
        shape: [columns, rows],
      };
    } else if (place.part) {
      const [i, n] = place.part;
      file[key] ??= { data: new Float32Array(n * data.length), shape: [n * shape[0]!, ...shape.slice(1)] };
      (file[key].data as Float32Array).set(data as Float32Array, i * data.length);
    } else file[key] = { data, shape };
  }
  return file;
}

const OPEN_CLIP = {
  'cond_stage_model.model.logit_scale': { data: new Float32Array(1), shape: [] },
  'cond_stage_model.model.transformer.resblocks.2.ln_1.weight': { data: new Float32Array(8), shape: [8] },
};

/** A single file with U-Net, autoencoder (attention as 1x1 convolutions) and an OpenCLIP text tower with a layer too many. */
function writeLdm(file: string, dtype: FloatDtype): void {
  const vaeFile = store(vaeWeights, ldmVae(VAE));
  for (const name of Object.keys(vaeFile))
    if (/attn_1\.(q|k|v|proj_out)\.weight$/.test(name))
      vaeFile[name] = { data: vaeFile[name]!.data, shape: [...vaeFile[name]!.shape, 1, 1] };
  const textFile = store(
    textWeights,
    ldmText({ header: new Map(Object.keys(OPEN_CLIP).map((name) => [name, { shape: [] }])) } as unknown as TensorSource, 0, TEXT),
  );
  writeTensors(
    file,
    {
      ...store(unetWeights, ldmUNet(UNET)),
      ...vaeFile,
      ...textFile,
      ...OPEN_CLIP,
      'model_ema.decay': { data: new Float32Array(1), shape: [] },
    },
    dtype,
  );
}

describe('a checkpoint gives the same in every layout', () => {
  const layouts: Record<string, (dtype: FloatDtype) => TensorSource> = {
    'one file': (dtype) => {
      writeTensors(at('diffusion_pytorch_model.safetensors'), unetWeights, dtype);
      return openWeights(directory);
    },
    shards: (dtype) => {
      writeShards(unetWeights, dtype, 'diffusion_pytorch_model.safetensors.index.json');
      return openWeights(directory);
    },
    LDM: (dtype) => {
      writeLdm(at('ldm.safetensors'), dtype);
      return inLayout(readSafetensors(at('ldm.safetensors')), unet, ldmUNet(UNET));
    },
  };

  it.each(Object.entries(layouts))('%s: the weights, in F32, F16 and BF16', (_, write) => {
    for (const dtype of ['F32', 'F16', 'BF16'] as const)
      expect(fingerprint(loadStateDict(unet, write(dtype))), dtype).toEqual(fingerprint(unetWeights));
  });

  it('the output of the network that maps them', async () => {
    const whole = await run(layouts['one file']!('F32'));
    expect(Math.max(...whole.map(Math.abs))).toBeGreaterThan(0.01);
    fs.rmSync(at('diffusion_pytorch_model.safetensors'));
    expect(await run(layouts['shards']!('F16'))).toEqual(whole);
    expect(await run(layouts['LDM']!('BF16'))).toEqual(whole);
  });

  it('LDM autoencoder and OpenCLIP text tower, in place', () => {
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      writeLdm(at('ldm.safetensors'), dtype);
      const file = readSafetensors(at('ldm.safetensors'));
      expect(fingerprint(loadStateDict(vae, inLayout(file, vae, ldmVae(VAE))))).toEqual(fingerprint(vaeWeights));
      const tower = inLayout(file, text, ldmText(file, 0, TEXT));
      expect(fingerprint(loadStateDict(text, tower))).toEqual(fingerprint(textWeights));
      // The key's rows of the stacked projection are the middle third of its bytes.
      const stacked = file.external('cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight') as ExternalTensor;
      expect(externalStateDict(text, tower)['text_model.encoder.layers.1.self_attn.k_proj.weight']).toEqual({
        ...stacked,
        offset: stacked.offset + stacked.length / 3,
        length: stacked.length / 3,
        shape: [8, 8],
      });
      expect(externalStateDict(text, tower)['text_projection.weight']).toEqual(textWeights['text_projection.weight']);
    }
  });
});

describe('openWeights', () => {
  it.each([
    ['model.safetensors', ['model.fp16.safetensors', 'model.non_ema.safetensors']],
    ['diffusion_pytorch_model.fp16.safetensors', ['diffusion_pytorch_model.non_ema.safetensors']],
    ['diffusion_pytorch_model.fp16.safetensors', ['diffusion_pytorch_model.bf16.safetensors']],
    ['model.bf16.safetensors', ['model.non_ema.safetensors', 'pytorch_model.bin']],
    ['diffusion_pytorch_model.non_ema.safetensors', []],
  ])('takes %s', (taken, others) => {
    for (const name of [taken, ...others]) writeTensors(at(name), {}, 'F16');
    expect(openWeights(directory).file).toBe(at(taken));
  });

  it('takes an index of half precision', () => {
    writeShards(unetWeights, 'F16', 'model.safetensors.index.fp16.json');
    expect(openWeights(directory).file).toBe(at('model.safetensors.index.fp16.json'));
  });

  it('says what is there instead', () => {
    fs.writeFileSync(at('config.json'), '{}');
    expect(() => openWeights(directory)).toThrow(/no weights \(has: config\.json\); expected diffusion_pytorch_model\.safetensors/);
    fs.writeFileSync(at('diffusion_pytorch_model.bin'), '');
    expect(() => openWeights(directory)).toThrow(/only pickled weights \(diffusion_pytorch_model\.bin\), which run code/);
    expect(() => openWeights(at('unet'))).toThrow(expect.objectContaining({ code: 'file-read' }));
    for (const variant of ['ema_only', 'non_ema']) writeTensors(at(`model.${variant}.safetensors`), {}, 'F16');
    expect(() => openWeights(directory)).toThrow(
      /several variants \(model\.ema_only\.safetensors, model\.non_ema\.safetensors\): keep the one/,
    );
  });
});

describe('a broken checkpoint is refused by name', () => {
  it('truncated, whole or a shard', () => {
    writeTensors(at('model.safetensors'), unetWeights, 'F32');
    fs.truncateSync(at('model.safetensors'), fs.statSync(at('model.safetensors')).size - 4);
    expect(() => openWeights(directory)).toThrow(
      /model\.safetensors: tensor "up_blocks\.1\.resnets\.1\.time_emb_proj\.weight": bytes .* \(truncated file\?\)/,
    );
    fs.rmSync(at('model.safetensors'));
    writeShards(unetWeights, 'F32', 'model.safetensors.index.json');
    fs.truncateSync(at('part-1.safetensors'), fs.statSync(at('part-1.safetensors')).size - 4);
    expect(() => openWeights(directory)).toThrow(/part-1\.safetensors: tensor ".*truncated/);
  });

  it('a missing shard, a shard without its tensor, an index that points outside', () => {
    const places = writeShards(unetWeights, 'F32', 'model.safetensors.index.json');
    const index = (change: Record<string, unknown>) =>
      fs.writeFileSync(at('model.safetensors.index.json'), JSON.stringify({ weight_map: { ...places, ...change } }));
    index({ 'conv_in.weight': 'part-1.safetensors', other: 'part-2.safetensors' });
    expect(() => openWeights(directory)).toThrow(
      /weight_map puts "(conv_in\.weight|other)" in "part-\d\.safetensors", which does not have it/,
    );
    index({ 'conv_in.weight': '../part-0.safetensors' });
    expect(() => openWeights(directory)).toThrow(/not the name of a file beside it/);
    index({});
    fs.rmSync(at('part-2.safetensors'));
    expect(() => openWeights(directory)).toThrow(/cannot open .*part-2\.safetensors/);
  });

  it('renamed and mis-shaped tensors, by the name they have in the file', () => {
    const file = store(unetWeights, ldmUNet(UNET));
    file['model.diffusion_model.input_blocks.0.0.wait'] = file['model.diffusion_model.input_blocks.0.0.weight']!;
    delete file['model.diffusion_model.input_blocks.0.0.weight'];
    file['model.diffusion_model.out.2.bias'] = { data: new Float32Array(5), shape: [5] };
    writeTensors(at('ldm.safetensors'), file, 'F32');
    const load = () => externalStateDict(unet, inLayout(readSafetensors(at('ldm.safetensors')), unet, ldmUNet(UNET)));
    expect(load).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/ldm\.safetensors does not fit the model: 1 missing, 1 of another shape, 1 unexpected/),
        values: expect.objectContaining({
          problems: [
            'missing conv_in.weight (model.diffusion_model.input_blocks.0.0.weight) [8, 4, 3, 3]',
            'model.diffusion_model.out.2.bias: expected [4], found [5]',
            'unexpected model.diffusion_model.input_blocks.0.0.wait',
          ],
        }),
      }),
    );
  });

  it('the first few of many, with the count', () => {
    writeTensors(at('model.safetensors'), { 'conv_in.weight': unetWeights['conv_in.weight']! }, 'F32');
    const missing = Object.keys(unetWeights).length - 1;
    expect(() => externalStateDict(unet, openWeights(directory))).toThrow(
      new RegExp(`: ${missing} missing\\n(  missing .*\\n){6}  and ${missing - 6} more missing$`),
    );
  });

  it('a file of another kind', () => {
    writeTensors(at('x.safetensors'), { 'control_model.a': { data: new Float32Array(1), shape: [1] } }, 'F32');
    expect(() => inLayout(readSafetensors(at('x.safetensors')), unet, ldmUNet(UNET))).toThrow(
      /x\.safetensors has no tensors named model\.diffusion_model\.\*; its names begin with control_model\.a/,
    );
  });
});
