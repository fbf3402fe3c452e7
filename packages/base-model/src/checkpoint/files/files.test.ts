import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readConstant, readSafetensors, writeSafetensors } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Base } from '../../base.ts';
import { VOCABULARY, writeTinyControlNet, writeTinyLdm, writeTinyModel } from '../../testing/tiny-checkpoint.ts';
import { createSampler } from '../../sampler/sampler.ts';
import { openCheckpoint, type CheckpointOptions } from '../open-checkpoint.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
const at = (...names: string[]): string => path.join(directory, ...names);
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

let plain: Base;
let ldm: Record<string, HostTensor>;
const tensorsOf = (file: string): Record<string, HostTensor> => {
  const opened = readSafetensors(file);
  return Object.fromEntries(opened.names().map((name) => [name, opened.tensor(name)]));
};
beforeAll(() => {
  writeTinyModel(at('sd1'));
  writeTinyModel(at('xl'), { xl: true });
  writeTinyLdm(at('ldm.safetensors'));
  plain = openCheckpoint(at('sd1'));
  ldm = tensorsOf(at('ldm.safetensors'));
});

const ones = (...shape: number[]): HostTensor => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape });

/** The single file, changed, as a base with the folder's configs. */
function single(
  change: (tensors: Record<string, HostTensor>) => Record<string, HostTensor>,
  options: CheckpointOptions = {},
  metadata: Record<string, string> = {},
): Base {
  writeSafetensors(at('x.safetensors'), change(ldm), { dtype: 'F16', metadata });
  return openCheckpoint(at('x.safetensors'), { config: at('sd1'), ...options });
}

/** The folder with one file's contents changed. */
function folder(change: () => void): Base {
  fs.rmSync(at('m'), { recursive: true, force: true });
  fs.cpSync(at('sd1'), at('m'), { recursive: true });
  change();
  return openCheckpoint(at('m'));
}
function patchJson(file: string, change: (json: Record<string, unknown>) => object): void {
  fs.writeFileSync(file, JSON.stringify(change(JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>)));
}
const renamed = (from: string, to: string) => (tensors: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name.replace(from, to), tensor]));
const without = (prefix: string) => (tensors: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith(prefix)));

describe('a single file loads with', () => {
  it.each<[string, Record<string, HostTensor>]>([
    ['leftovers at the root', { alphas_cumprod: ones(1000), 'model_ema.decay': ones(), logvar: ones(1000) }],
    ['a moving average of the U-Net', { 'model_ema.diffusion_modelinput_blocks00weight': ones(8, 4, 3, 3) }],
    ['leftovers of the autoencoder', { 'first_stage_model.model_ema.decay': ones(), 'first_stage_model.loss.logvar': ones() }],
    [
      "a whole CLIP's",
      {
        'cond_stage_model.logit_scale': ones(),
        'cond_stage_model.transformer.text_projection.weight': ones(8, 8),
        'cond_stage_model.transformer.vision_model.post_layernorm.weight': ones(8),
        'cond_stage_model.transformer.visual_projection.weight': ones(8, 8),
        'cond_stage_model.transformer.text_model.embeddings.position_ids': ones(1, 12),
      },
    ],
  ])('%s', (_, more) => expect(single((tensors) => ({ ...tensors, ...more })).hashes).toEqual(plain.hashes));

  it('a text encoder without text_model.', () => {
    const named = renamed('cond_stage_model.transformer.text_model.', 'cond_stage_model.transformer.');
    const more = { 'cond_stage_model.transformer.embeddings.position_ids': ones(1, 12) };
    expect(single((tensors) => ({ ...named(tensors), ...more })).hashes).toEqual(plain.hashes);
  });

  it('doubles, which are read', () => {
    const name = 'model.diffusion_model.out.2.bias';
    writeSafetensors(at('x.safetensors'), {
      ...ldm,
      [name]: { data: Float64Array.from(ldm[name]!.data), shape: ldm[name]!.shape } as never,
    });
    const base = openCheckpoint(at('x.safetensors'), { config: at('sd1') });
    expect(readConstant(base.weights['unet.conv_out.bias']!).data).toEqual(ldm[name]!.data);
  });
});

describe('a single file is refused in words where', () => {
  it.each<[string, (tensors: Record<string, HostTensor>) => Record<string, HostTensor>, RegExp]>([
    ['it has no autoencoder', without('first_stage_model.'), /holds no autoencoder.*name one with --vae/],
    ['it has no text encoder', without('cond_stage_model.'), /holds no text encoder/],
    [
      'it is for inpainting',
      (tensors) => ({ ...tensors, 'model.diffusion_model.input_blocks.0.0.weight': ones(8, 9, 3, 3) }),
      /takes 9 channels, the configs in .* say 4: it is a model for inpainting/,
    ],
    ['it is a LoRA', () => ({ 'lora_unet_x.lora_up.weight': ones(1, 1) }), /is a LoRA: give it with --lora FILE:WEIGHT/],
    ['it is a ControlNet', () => ({ 'control_model.input_hint_block.0.weight': ones(1) }), /is a ControlNet: give it with --controlnet/],
    ['it is an autoencoder', () => ({ 'decoder.up.0.block.0.conv1.weight': ones(1) }), /is an autoencoder: give it with --vae/],
    [
      'its weights are quantised',
      () => ({ 'model.diffusion_model.input_blocks.1.1.proj_in.scale_weight': ones(1) }),
      /is of quantised weights, in whose place the fp16, bf16 or plain fp8 file is needed/,
    ],
    ['it is FLUX', () => ({ 'model.diffusion_model.double_blocks.0.img_attn.qkv.weight': ones(1) }), /is of a transformer \(FLUX/],
    [
      'it makes video',
      () => ({ 'model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight': ones(1) }),
      /Stable Video Diffusion/,
    ],
    [
      'it is a U-Net of diffusers',
      () => ({ 'down_blocks.0.resnets.0.conv1.weight': ones(1) }),
      /U-Net alone, in diffusers' names: name the folder/,
    ],
    ['it is a textual inversion', () => ({ emb_params: ones(1, 768) }), /is a textual inversion/],
    ['it is an IP-Adapter', () => ({ 'ip_adapter.1.to_k_ip.weight': ones(1) }), /is an IP-Adapter/],
    ['it is something else', () => ({ a: ones(1) }), /has no tensors named model\.diffusion_model/],
  ])('%s', (_, change, message) => expect(() => single(change)).toThrow(message));

  it('the configs are of another base', () => {
    expect(() => openCheckpoint(at('ldm.safetensors'), { config: at('xl') })).toThrow(
      /is of another base than the configs in .*xl: it reads text of width 8, they describe 14 and sizes/,
    );
  });

  it('it is a pickle, before configs are asked for', () => {
    fs.writeFileSync(at('x.ckpt'), Buffer.from('PK\x03\x04\0\0\x08\x08', 'latin1'));
    expect(() => openCheckpoint(at('x.ckpt'))).toThrow(/PyTorch's pickled files/);
  });
});

describe('an autoencoder of its own', () => {
  /** The autoencoder's values that a base has, in the order of their names. */
  const values = (base: Base): Float32Array[] =>
    Object.keys(base.weights)
      .filter((name) => name.startsWith('vae.'))
      .sort()
      .map((name) => readConstant(base.weights[name]!).data as Float32Array);
  const doubled = (tensors: Record<string, HostTensor>) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { data, shape }]) => [name, { data: Float32Array.from(data, (x) => 2 * x), shape }]),
    );
  const expected = (): Float32Array[] => values(plain).map((data) => data.map((x) => 2 * x));
  const own = (prefix: string): Record<string, HostTensor> =>
    doubled(
      Object.fromEntries(
        Object.entries(ldm)
          .filter(([name]) => name.startsWith('first_stage_model.'))
          .map(([name, tensor]) => [name.replace('first_stage_model.', prefix), tensor]),
      ),
    );

  it.each<[string, () => string]>([
    [
      "a file in LDM's names",
      () => (writeSafetensors(at('vae.safetensors'), { ...own(''), 'loss.logvar': ones() }), at('vae.safetensors')),
    ],
    ['the same with their prefix', () => (writeSafetensors(at('vae.safetensors'), own('first_stage_model.')), at('vae.safetensors'))],
    [
      "a file in diffusers' names",
      () => (
        writeSafetensors(at('vae.safetensors'), doubled(tensorsOf(at('sd1', 'vae', 'diffusion_pytorch_model.safetensors')))),
        at('vae.safetensors')
      ),
    ],
    [
      'a directory',
      () => {
        fs.cpSync(at('sd1', 'vae'), at('other'), { recursive: true });
        writeSafetensors(
          at('other', 'diffusion_pytorch_model.safetensors'),
          doubled(tensorsOf(at('sd1', 'vae', 'diffusion_pytorch_model.safetensors'))),
        );
        return at('other');
      },
    ],
    [
      "a whole model's directory",
      () => {
        fs.cpSync(at('sd1', 'vae'), at('whole', 'vae'), { recursive: true });
        writeSafetensors(
          at('whole', 'vae', 'diffusion_pytorch_model.safetensors'),
          doubled(tensorsOf(at('sd1', 'vae', 'diffusion_pytorch_model.safetensors'))),
        );
        return at('whole');
      },
    ],
  ])("takes the place of the model's: %s", (_, write) => {
    const vae = write();
    expect(values(openCheckpoint(at('sd1'), { vae }))).toEqual(expected());
    expect(values(single(without('first_stage_model.'), { vae }))).toEqual(expected());
    const { hashes } = openCheckpoint(at('sd1'), { vae });
    expect([hashes['unet'], hashes['text']]).toEqual([plain.hashes['unet'], plain.hashes['text']]);
  });

  it('brings its own scaling with its config, in a model that may have none', () => {
    fs.cpSync(at('sd1'), at('novae'), { recursive: true });
    fs.rmSync(at('novae', 'vae'), { recursive: true });
    patchJson(at('other', 'config.json'), (config) => ({ ...config, scaling_factor: 0.5 }));
    expect(() => openCheckpoint(at('novae'))).toThrow(/has no vae\//);
    expect(openCheckpoint(at('novae'), { vae: at('other') }).hash).not.toBe(openCheckpoint(at('sd1')).hash);
  });

  it('is refused in words where it is none', () => {
    expect(() => openCheckpoint(at('sd1'), { vae: at('nowhere') })).toThrow(/no autoencoder at .*nowhere/);
    expect(() => openCheckpoint(at('sd1'), { vae: 'stabilityai/mse' })).toThrow(/"hf download stabilityai\/mse --local-dir mse"/);
    writeSafetensors(at('lora.safetensors'), { 'lora_unet_x.lora_up.weight': ones(1, 1) });
    expect(() => openCheckpoint(at('sd1'), { vae: at('lora.safetensors') })).toThrow(/is a LoRA, not an autoencoder/);
    patchJson(at('other', 'config.json'), (config) => ({ ...config, latent_channels: 16 }));
    expect(() => openCheckpoint(at('sd1'), { vae: at('other') })).toThrow(/the autoencoder makes 16: they do not belong together/);
    patchJson(at('other', 'config.json'), (config) => ({ ...config, _class_name: 'AutoencoderTiny' }));
    expect(() => openCheckpoint(at('sd1'), { vae: at('other') })).toThrow(/AutoencoderTiny \(a tiny autoencoder/);
  });
});

describe('a folder', () => {
  it("has configs of today's transformers, or a whole CLIP's", () => {
    const config = at('m', 'text_encoder', 'config.json');
    const written = {
      dtype: 'float32',
      architectures: ['CLIPTextModel'],
      transformers_version: '5.24.0',
      model_type: 'clip_text_model',
      use_cache: true,
    };
    expect(folder(() => patchJson(config, (own) => ({ ...own, ...written }))).hashes).toEqual(plain.hashes);
    const whole = folder(() =>
      patchJson(config, (own) => ({
        model_type: 'clip',
        projection_dim: 8,
        vision_config: {},
        text_config: { ...own, max_length: 20, num_beams: 1 },
      })),
    );
    expect(whole.hashes).toEqual(plain.hashes);
    expect(() => folder(() => patchJson(config, (own) => ({ ...own, model_type: 't5' })))).toThrow(
      /describes a t5; expected CLIP's text encoder/,
    );
    expect(() => folder(() => patchJson(config, (own) => ({ ...own, rotary: true })))).toThrow(/rotary: unknown key/);
  });

  it("has a whole CLIP's weights, without text_model. or not", () => {
    const file = at('m', 'text_encoder', 'model.safetensors');
    const more = {
      logit_scale: ones(),
      'text_projection.weight': ones(8, 8),
      'visual_projection.weight': ones(8, 8),
      'vision_model.embeddings.class_embedding': ones(8),
    };
    for (const change of [renamed('', ''), renamed('text_model.', '')]) {
      const base = folder(() => writeSafetensors(file, { ...change(tensorsOf(file)), ...more }, { dtype: 'F16' }));
      expect(base.hashes).toEqual(plain.hashes);
    }
    expect(() => folder(() => writeSafetensors(file, { ...tensorsOf(file), other: ones(1) }))).toThrow(/1 unexpected\s+unexpected other/);
  });

  it('has words that were learned in its hash, and in the text encoder', () => {
    const base = folder(() => fs.writeFileSync(at('m', 'tokenizer', 'added_tokens.json'), JSON.stringify({ '<toy>': VOCABULARY.length })));
    expect(base.hashes).toEqual(plain.hashes);
    expect(base.hash).not.toBe(folder(() => {}).hash);
    // Nothing was learned for this one.
    expect(() => base.tokenize(['a <toy>'])).toThrow(/The tokenizer gives id 57, the text encoder knows 57/);
  });

  it('has variants of half precision', () => {
    const unet = (name: string) => at('m', 'unet', name);
    const weights = 'diffusion_pytorch_model.safetensors';
    for (const variant of ['fp16', 'bf16'])
      expect(folder(() => fs.renameSync(unet(weights), unet(`diffusion_pytorch_model.${variant}.safetensors`))).hashes).toEqual(
        plain.hashes,
      );
  });

  it.each([
    ['transformer', /it looks like a model with a transformer in place of the U-Net/],
    ['image_encoder', /it looks like a model that takes a picture/],
  ])('of another kind of model is named: %s/', (component, message) => {
    fs.mkdirSync(at(component, component), { recursive: true });
    expect(() => openCheckpoint(at(component))).toThrow(message);
  });

  it('of a network that wants more than text and time is named before its weights are opened', () => {
    const unet = at('m', 'unet', 'config.json');
    expect(() => folder(() => patchJson(unet, (own) => ({ ...own, time_cond_proj_dim: 256 })))).toThrow(
      /time_cond_proj_dim.*latent consistency/,
    );
    expect(() => folder(() => patchJson(unet, (own) => ({ ...own, in_channels: 5 })))).toThrow(
      /takes 5 channels.*a model that takes a depth map/,
    );
  });

  it('names a Git LFS pointer wherever it lies', () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n';
    for (const file of ['unet/diffusion_pytorch_model.safetensors', 'vae/config.json', 'tokenizer/vocab.json', 'tokenizer/merges.txt'])
      expect(() => folder(() => fs.writeFileSync(at('m', ...file.split('/')), pointer))).toThrow(
        expect.objectContaining({ message: expect.stringMatching(new RegExp(`${file} is a Git LFS pointer`)) as string }),
      );
  });

  it('has the size that it was trained at', () => {
    const sized = (sample_size: unknown) =>
      folder(() => patchJson(at('m', 'unet', 'config.json'), (own) => ({ ...own, sample_size }))).pixels;
    expect([sized(8), sized([16, 16]), sized(null), sized(undefined)]).toEqual([64, 128, 512, 512]);
    for (const size of [0, 1e9, 'x', [4, 8], [], {}])
      expect(() => sized(size)).toThrow(/sample_size must be a whole number from 1 to 4096/);
  });

  it('of another formulation of diffusion is refused', () => {
    const change = () =>
      patchJson(at('m', 'scheduler', 'scheduler_config.json'), (own) => ({ ...own, _class_name: 'EDMDPMSolverMultistepScheduler' }));
    expect(() => folder(change)).toThrow(/describes a EDMDPMSolverMultistepScheduler, a formulation/);
  });

  it('of a ControlNet is no model', () => {
    writeTinyControlNet(at('cn'));
    expect(() => openCheckpoint(at('cn'))).toThrow(/cn has no unet\//);
  });
});

describe('what the network predicts', () => {
  const scheduler = at('m', 'scheduler', 'scheduler_config.json');
  const stated = (change: Record<string, unknown>, options: CheckpointOptions = {}) => {
    fs.rmSync(at('m'), { recursive: true, force: true });
    fs.cpSync(at('sd1'), at('m'), { recursive: true });
    patchJson(scheduler, (own) => ({ ...own, prediction_type: undefined, ...change }));
    return openCheckpoint(at('m'), options).prediction;
  };

  it.each(['ddim', 'ddpm', 'euler', 'euler-a', 'heun', 'lms', 'dpm++2m', 'unipc'] as const)(
    'draws from pure noise with %s where a file is marked as trained to it',
    async (solver) => {
      const base = single((tensors) => ({ ...tensors, v_pred: ones(0), ztsnr: ones(0) }));
      expect([base.prediction, base.schedule.alphaCumprod(999)]).toEqual(['v', 0]);
      const sampler = await createSampler(base, { count: 1, guidance: false, size: { width: 32, height: 32 } }, { provider: 'cpu' });
      const request = { prompts: ['a cat'], seed: 1, solver, steps: 4, guidanceScale: 1 };
      const [picture] = await sampler.sample({ ...request, sampling: { spacing: 'trailing' } });
      await sampler.release();
      expect(new Set(picture!.rgb).size).toBeGreaterThan(10);
    },
  );

  it("is taken from the file's empty tensors or metadata, whatever the configs say", () => {
    expect(single((tensors) => tensors).prediction).toBe('epsilon');
    expect(single((tensors) => ({ ...tensors, v_pred: ones(0) })).prediction).toBe('v');
    expect(single((tensors) => tensors, {}, { 'modelspec.prediction_type': 'v' }).prediction).toBe('v');
    expect(single((tensors) => tensors, {}, { 'modelspec.predict_key': 'v' }).prediction).toBe('v');
    expect(single((tensors) => tensors, {}, { 'modelspec.prediction_type': 'toString' }).prediction).toBe('epsilon');
  });

  it.each(['edm_mean', 'edm_std', 'edm_vpred.sigma_max', 'edm_vpred.sigma_min'])(
    "is not what a file with %s was trained on: EDM's formulation is refused, whatever is asked for",
    (name) => {
      expect(() => single((tensors) => ({ ...tensors, [name]: ones(1) }), { prediction: 'v' })).toThrow(
        new RegExp(`x\\.safetensors has ${name}: it was trained in EDM's formulation of diffusion`),
      );
    },
  );

  it('is asked for where nothing says it, and never guessed', () => {
    expect(() => stated({})).toThrow(
      /does not say what the network predicts: write prediction_type .* or name it with --prediction epsilon/,
    );
    expect(() => stated({ _diffusers_version: '0.30.0' })).toThrow(/does not say/);
    expect(stated({}, { prediction: 'v' })).toBe('v');
    expect(stated({ prediction_type: 'epsilon' }, { prediction: 'v' })).toBe('v');
    expect(() => stated({ prediction_type: ['epsilon'] })).toThrow(/prediction_type: expected a name, got \["epsilon"\]/);
    expect(() => stated({ prediction_type: 'toString' })).toThrow(
      /prediction_type: expected epsilon, v_prediction, sample, got "toString"/,
    );
  });

  it('was the noise before there was anything else', () => expect(stated({ _diffusers_version: '0.6.0' })).toBe('epsilon'));
});
