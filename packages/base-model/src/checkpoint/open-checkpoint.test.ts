import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { parameterSpecs, withParameters } from '@controllab/core-blocks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Base } from '../base.ts';
import { writeTinyLdm, writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoint-'));
const at = (...names: string[]): string => path.join(directory, ...names);
const engine = { threads: 1 };

beforeAll(() => {
  writeTinyModel(at('sd1'));
  writeTinyModel(at('sd2'), { predictionType: 'v_prediction', linear: true });
  writeTinyModel(at('xl'), { xl: true });
  writeTinyLdm(at('ldm.safetensors'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const row = ({ data, shape }: HostTensor, n: number): number[] => {
  const size = data.length / shape[0]!;
  return [...data.slice(n * size, (n + 1) * size)];
};

describe('a published checkpoint as a base', () => {
  it.each([
    ['sd1', { prediction: 'epsilon', pixels: 32, latentChannels: 4, factor: 8, label: 'sd1' }, 'sd15'],
    ['sd2', { prediction: 'v' }, 'sd21'],
    ['xl', { prediction: 'epsilon' }, 'sdxl'],
  ])('%s: what it predicts, which architecture, all weights under their prefixes', (name, expected, family) => {
    const base = openCheckpoint(at(name));
    expect(base).toMatchObject(expected);
    const { unet, target, inputs } = base.denoiser();
    expect(target.family).toBe(family);
    const specs = parameterSpecs({ unet, text: base.textEncoder().module });
    for (const [full, { shape }] of Object.entries(specs)) expect(base.weights[full]!.shape).toEqual(shape);
    expect(Object.values(base.weights).every((tensor) => 'file' in tensor)).toBe(true);
    const fixed = Object.keys(base.fixedInputs());
    expect(Object.keys(inputs(1)).filter((input) => !['sample', 'timesteps', 'context', 'textEmbeds'].includes(input))).toEqual(fixed);
  });

  it('encodes and decodes, one picture as several', async () => {
    const base = openCheckpoint(at('sd1'));
    const image = (value: number) => ({
      rgb: Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => (i * value) % 256),
      width: 32,
      height: 16,
    });
    const latents = await base.encode([image(3), image(5)], engine);
    expect(latents.shape).toEqual([2, 4, 2, 4]);
    const alone = await base.encode([image(5)], engine);
    expect(row(latents, 1)).toEqual(row(alone, 0));
    const [first, second] = await base.decode(latents, engine);
    expect([first!.width, first!.height]).toEqual([32, 16]);
    expect(await base.decode(alone, engine)).toEqual([second]);
  });

  it('is the same from a single LDM file', () => {
    const folder = openCheckpoint(at('sd1'));
    const file = openCheckpoint(at('ldm.safetensors'), { config: at('sd1') });
    expect(file.label).toBe('ldm');
    expect(file.hashes).toEqual(folder.hashes);
    expect(file.hash).toBe(folder.hash);
    expect(openCheckpoint(at('sd2')).hash).not.toBe(folder.hash);
  });

  it('is opened with the numbers that Python writes and JSON lacks, where they are possible', () => {
    writeTinyModel(at('python'));
    const scheduler = at('python', 'scheduler', 'scheduler_config.json');
    const text = fs.readFileSync(scheduler, 'utf8').trim();
    const withKey = (key: string): void => fs.writeFileSync(scheduler, text.replace(/\}$/, `, ${key}}`));
    withKey('"lambda_min_clipped": -Infinity');
    expect(openCheckpoint(at('python')).sampling).toMatchObject({ lambdaMinClipped: -Infinity });
    withKey('"sigma_max": NaN');
    expect(() => openCheckpoint(at('python'))).toThrow(/scheduler_config\.json: sigma_max: expected a number from .*, got "NaN"/);
  });

  it('has another hash with another scheduler or tokenizer', () => {
    const { hash } = openCheckpoint(at('sd1'));
    fs.cpSync(at('sd1'), at('changed'), { recursive: true });
    const scheduler = at('changed', 'scheduler', 'scheduler_config.json');
    const config = JSON.parse(fs.readFileSync(scheduler, 'utf8')) as object;
    fs.writeFileSync(scheduler, JSON.stringify({ ...config, prediction_type: 'v_prediction' }));
    expect(openCheckpoint(at('changed')).hash).not.toBe(hash);
    fs.writeFileSync(scheduler, JSON.stringify(config));
    expect(openCheckpoint(at('changed')).hash).toBe(hash);
    fs.appendFileSync(at('changed', 'tokenizer', 'merges.txt'), '#version: 0.3\n');
    expect(openCheckpoint(at('changed')).hash).not.toBe(hash);
  });

  it('names what is missing or of another class', () => {
    expect(() => openCheckpoint(at('nowhere'))).toThrow(/no model at .*nowhere/);
    expect(() => openCheckpoint('runwayml/sd')).toThrow(/no model at runwayml\/sd\. .*"hf download runwayml\/sd --local-dir sd"/);
    expect(() => openCheckpoint(at('ldm.safetensors'), { config: 'runwayml/sd' })).toThrow(
      /no diffusers directory at runwayml\/sd\. .*"hf download runwayml\/sd --local-dir sd"/,
    );
    expect(() => openCheckpoint(at('ldm.safetensors'))).toThrow(/single file.*--config/s);
    fs.cpSync(at('sd1'), at('broken'), { recursive: true });
    fs.rmSync(at('broken', 'vae'), { recursive: true });
    expect(() => openCheckpoint(at('broken'))).toThrow(
      /broken has no vae\/ \(model_index\.json, scheduler, text_encoder, tokenizer, unet\)/,
    );
    const unet = at('changed', 'unet', 'config.json');
    const config = JSON.parse(fs.readFileSync(unet, 'utf8')) as object;
    fs.writeFileSync(unet, JSON.stringify({ ...config, in_channels: 9 }));
    expect(() => openCheckpoint(at('changed'))).toThrow(/takes 9 channels, the autoencoder makes 4: a model for inpainting/);
    fs.writeFileSync(unet, JSON.stringify({ ...config, _class_name: 'FluxTransformer2DModel' }));
    expect(() => openCheckpoint(at('changed'))).toThrow(
      /config\.json describes a FluxTransformer2DModel \(FLUX\); expected UNet2DConditionModel/,
    );
  });
});

describe('prompts of a published checkpoint', () => {
  let xl: Base;
  beforeAll(() => {
    xl = openCheckpoint(at('xl'));
  });

  it("join XL's two encoders, and where there is none are zero", async () => {
    const { context, textEmbeds } = await xl.encodePrompts(['a cat', '', null], engine);
    expect([context!.shape, textEmbeds!.shape]).toEqual([
      [3, 12, 14],
      [3, 4],
    ]);
    for (const tensor of [context!, textEmbeds!]) {
      expect(row(tensor, 2).every((value) => value === 0)).toBe(true);
      expect(row(tensor, 1).some((value) => value !== 0)).toBe(true);
      expect(row(tensor, 0)).not.toEqual(row(tensor, 1));
    }
    const sd1 = (await openCheckpoint(at('sd1')).encodePrompts(['', null], engine))['context']!;
    expect(row(sd1, 1)).toEqual(row(sd1, 0));
  });

  it('pass over the last layers that are skipped, but for the pooled embedding', async () => {
    for (const name of ['sd1', 'xl']) {
      const [plain, skipped] = [openCheckpoint(at(name)), openCheckpoint(at(name), { clipSkip: 1 })];
      const [before, after] = [await plain.encodePrompts(['a cat'], engine), await skipped.encodePrompts(['a cat'], engine)];
      expect(after['context']!.data).not.toEqual(before['context']!.data);
      expect(after['textEmbeds']?.data).toEqual(before['textEmbeds']?.data);
      expect(skipped.hash).not.toBe(plain.hash);
      expect(() => openCheckpoint(at(name), { clipSkip: 2 })).toThrow(
        /its text encoder has 2 layers, of which 0 to 1 can be skipped, got 2/,
      );
    }
  });

  it('are the same from the traced text encoder that training uses', async () => {
    for (const name of ['sd1', 'xl']) {
      const base = openCheckpoint(at(name));
      const text = base.textEncoder();
      const network = await compile(
        ({ inputs, constants }) => withParameters({ text: text.module }, constants, () => ({ outputs: text.encode(inputs) })),
        { inputs: text.inputs(2), constants: Object.fromEntries(Object.entries(base.weights).filter(([key]) => key.startsWith('text.'))) },
        engine,
      );
      const traced = await network.run(base.tokenize(['a cat', 'dog']));
      await network.release();
      const encoded = await base.encodePrompts(['a cat', 'dog'], engine);
      expect(Object.keys(traced).sort()).toEqual(Object.keys(encoded).sort());
      for (const [key, { data }] of Object.entries(traced))
        data.forEach((value, i) => expect(value).toBeCloseTo(encoded[key]!.data[i]!, 5));
    }
  });

  it('have the same ids in a worker, and say what is cut off', async () => {
    const { default: open } = (await import(xl.tokenizer.module)) as { default(data: unknown): Base['tokenize'] };
    expect(open(structuredClone(xl.tokenizer.data))(['a cat'])).toEqual(xl.tokenize(['a cat']));
    const said: string[] = [];
    xl.tokenize(['a b c d e f g h i j k l'], (message) => said.push(message));
    expect(new Set(said)).toEqual(new Set(['the text encoder reads 10 tokens; the last 2 of a prompt are cut off: "k l"']));
  });

  it('do not take a tokenizer that knows more words than the text encoder', () => {
    fs.cpSync(at('sd1'), at('words'), { recursive: true });
    const file = at('words', 'tokenizer', 'vocab.json');
    const vocab = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, number>;
    fs.writeFileSync(file, JSON.stringify({ ...vocab, '<|endoftext|>': 4000 }));
    expect(() => openCheckpoint(at('words')).tokenize(['a'])).toThrow(
      /tokenizer gives id 4000, the text encoder knows \d+: they do not belong/,
    );
  });
});
