import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { parseFlags } from '@controllab/command-line';
import { controlNet } from '@controllab/controlnet';
import { writeSafetensors } from '@controllab/core-blocks';
import { openMini } from '@controllab/mini-sd';
import { readPngText } from '@controllab/report';
import { methodMetadata } from '@controllab/base-model';
import { writeTinyCldm, writeTinyControlNet, writeTinyLdm, writeTinyModel } from '@controllab/base-model/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from './generate.ts';
import { generateFlags, generateOptions, type GenerateFlags } from './options.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'generate-'));
const at = (...names: string[]): string => path.join(directory, ...names);

beforeAll(async () => {
  writeTinyModel(at('model'), { predictionType: 'v_prediction' });
  writeTinyControlNet(at('control'));
  writeTinyControlNet(at('other-control'), { seed: 6 });
  // A bright square on a dark field.
  const pixels = Uint8Array.from({ length: 32 * 24 }, (_, p) => (p % 32 > 8 && p % 32 < 24 && p > 32 * 6 && p < 32 * 18 ? 230 : 20));
  await sharp(pixels, { raw: { width: 32, height: 24, channels: 1 } })
    .png()
    .toFile(at('square.png'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Runs the command's own flags; returns the files and what was said. */
async function draw(...flags: string[]): Promise<{ files: string[]; said: string[] }> {
  const said: string[] = [];
  const parsed = parseFlags<GenerateFlags>(generateFlags(), flags);
  return { files: await generate(generateOptions(parsed), (message) => said.push(message)), said };
}
/** One picture of the published model; 'a cat' unless a prompt is given. */
async function run(...flags: string[]): Promise<{ png: Buffer; log: string[] }> {
  const prompt = flags.includes('--prompt') ? [] : ['--prompt', 'a cat'];
  const { files, said } = await draw('--model', at('model'), ...prompt, '--steps', '2', '--out', at('out.png'), ...flags);
  return { png: fs.readFileSync(files[0]!), log: said };
}
const control = (...more: string[]): string[] => ['--controlnet', at('control'), '--condition', at('square.png'), ...more];
const pixels = (png: Buffer): Promise<Buffer> => sharp(png).raw().toBuffer();
const texts = async (png: Buffer): Promise<Record<string, string>> =>
  Object.fromEntries(((await sharp(png).metadata()).comments ?? []).map(({ keyword, text }) => [keyword, text]));

describe('generate', () => {
  it('makes the same bytes from one seed, of the size of the condition, with its settings inside', async () => {
    const first = await run(...control('--extractor=canny', '--seed=3', '--negative-prompt', 'a dog'));
    expect((await run(...control('--extractor=canny', '--seed=3', '--negative-prompt', 'a dog'))).png.equals(first.png)).toBe(true);
    expect(await sharp(first.png).metadata()).toMatchObject({ width: 32, height: 24, channels: 3 });
    expect(await texts(first.png)).toMatchObject({
      prompt: 'a cat',
      'negative prompt': 'a dog',
      settings: 'seed 3, 2 steps, guidance 7.5, sampler ddim, 32 x 24',
      'control 1': expect.stringMatching(/square\.png, extractor canny, scale 1/),
    });
    expect(first.log.filter((line) => /^step \d\/2/.test(line))).toHaveLength(2);
    expect(new Set(await pixels(first.png)).size).toBeGreaterThan(10);
  });

  it('follows prompt, controls and their scale', async () => {
    const images = [
      await run(...control()),
      await run(...control('--prompt', 'a dog')),
      await run(
        ...control('--controlnet', at('other-control'), '--condition', at('square.png'), '--extractor', 'none', '--extractor', 'canny'),
      ),
      await run(...control('--conditioning-scale=0')),
    ];
    const raw = await Promise.all(images.map(({ png }) => pixels(png)));
    for (let i = 0; i < raw.length; i++) for (let j = 0; j < i; j++) expect(raw[i]!.equals(raw[j]!), `${i} and ${j}`).toBe(false);
    // A control of strength zero is none.
    expect((await pixels((await run('--width=32', '--height=24')).png)).equals(raw.at(-1)!)).toBe(true);
  });

  it.each(['euler', 'dpm++2m', 'unipc'])('samples with %s, without guidance too', async (sampler) => {
    const { png } = await run('--sampler', sampler, '--guidance=1', '--steps=3');
    expect(await sharp(png).metadata()).toMatchObject({ width: 32, height: 32 });
    expect(new Set(await pixels(png)).size).toBeGreaterThan(10);
  });

  it('gives the same image from a single LDM file', async () => {
    writeTinyLdm(at('ldm.safetensors'));
    const fromFile = await run('--model', at('ldm.safetensors'), '--config', at('model'));
    expect((await pixels(fromFile.png)).equals(await pixels((await run()).png))).toBe(true);
    writeTinyCldm(at('cldm.safetensors'));
    const controlled = await run('--controlnet', at('cldm.safetensors'), '--condition', at('square.png'), '--width=32', '--height=32');
    expect((await pixels(controlled.png)).equals(await pixels(fromFile.png))).toBe(false);
  });

  it('runs XL with its two text encoders and a ControlNet', async () => {
    writeTinyModel(at('xl'), { xl: true });
    writeTinyControlNet(at('xl-control'), { xl: true });
    const { png } = await run('--model', at('xl'), '--controlnet', at('xl-control'), '--condition', at('square.png'), '--guess-mode');
    expect(await texts(png)).toMatchObject({ 'guess mode': 'on' });
    expect(new Set(await pixels(png)).size).toBeGreaterThan(10);
  });

  it('says what is missing or does not fit', async () => {
    fs.cpSync(at('model'), at('broken'), { recursive: true });
    fs.rmSync(at('broken', 'vae'), { recursive: true });
    await expect(run('--model', at('broken'))).rejects.toThrow(
      /broken has no vae\/ \(model_index\.json, scheduler, text_encoder, tokenizer, unet\)/,
    );
    await expect(run('--model', at('nowhere'))).rejects.toThrow(/no model at .*nowhere/);
    await expect(run('--model', at('square.png'))).rejects.toThrow(/single file.*--config/s);
    await expect(run('--width=30', '--height=32')).rejects.toThrow(/width must be a multiple of 8, got 30; .*24 or 32/);
    await expect(run(...control('--condition', at('model', 'model_index.json'), '--controlnet', at('control')))).rejects.toThrow(
      /Cannot read the image .*model_index\.json/,
    );
    writeTinyControlNet(at('xl-control'), { xl: true });
    await expect(run('--controlnet', at('xl-control'), '--condition', at('square.png'))).rejects.toThrow(
      /made for another U-Net.*text of width 14.*text of width 8/s,
    );
    fs.writeFileSync(at('model', 'scheduler', 'scheduler_config.json'), JSON.stringify({ thresholding: true }));
    await expect(run()).rejects.toThrow(/thresholding is not implemented/);
  });
});

describe('generate with the embedded default', () => {
  it('draws every prompt, each picture its own, and writes over none', async () => {
    const flags = ['--prompt', 'a large dog', '--prompt', '', '--count', '2', '--steps', '2', '--out', at('folder')];
    const { files } = await draw(...flags);
    expect(files.map((file) => path.basename(file))).toEqual([
      'a-large-dog-1-0.png',
      'a-large-dog-1-1.png',
      'empty-1-2.png',
      'empty-1-3.png',
    ]);
    const pngs = files.map((file) => fs.readFileSync(file));
    expect(new Set(pngs.map(String)).size).toBe(4);
    expect(await sharp(pngs[0]).metadata()).toMatchObject({ width: 64, height: 64 });
    expect(await texts(pngs[3]!)).toMatchObject({
      prompt: '',
      model: expect.stringMatching(/^mini, U-Net [0-9a-f]{12}$/),
      settings: 'seed 1, picture 3, 2 steps, guidance 4, sampler ddim, 64 x 64',
    });
    const again = (await draw(...flags)).files;
    expect(path.basename(again[0]!)).toBe('a-large-dog-1-0-2.png');
    expect(await pixels(fs.readFileSync(again[3]!))).toEqual(await pixels(pngs[3]!));
  });

  it('keeps a prompt byte for byte, and warns of words that the model does not know', async () => {
    const prompt = 'café 猫 🐱; "x" $(touch F)\nred';
    const { files, said } = await draw('--prompt', prompt, '--steps', '1', '--out', at('words.png'));
    expect(readPngText(fs.readFileSync(files[0]!))['prompt']).toBe(prompt);
    expect(said.filter((message) => message.startsWith('Warning: '))).toContainEqual(
      expect.stringMatching(/does not know the word "café".*nearest that it knows: \w+/),
    );
  });

  it('draws with a control that was trained on it, at its own size', async () => {
    const base = openMini();
    const method = controlNet({ connection: 'gaussian' });
    const control = method.create(base.denoiser().target);
    const unet = Object.entries(base.weights).flatMap(([name, tensor]) => (name.startsWith('unet.') ? [[name.slice(5), tensor]] : []));
    const initial = control.initial(Object.fromEntries(unet), 3);
    writeSafetensors(at('trained.safetensors'), initial, { metadata: methodMetadata(method) });
    const flags = ['--prompt', 'a dog', '--steps', '2', '--out', at('controlled.png')];
    const trained = ['--controlnet', at('trained.safetensors'), '--condition', at('square.png'), '--extractor', 'canny'];
    const plain = await pixels(fs.readFileSync((await draw(...flags)).files[0]!));
    const { files } = await draw(...flags, ...trained);
    expect(await sharp(files[0]).metadata()).toMatchObject({ width: 64, height: 64 });
    expect((await pixels(fs.readFileSync(files[0]!))).equals(plain)).toBe(false);
  });
});
