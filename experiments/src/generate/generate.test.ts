import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { parseFlags } from '@controllab/command-line';
import { controlNet } from '@controllab/controlnet';
import { writeSafetensors } from '@controllab/core-blocks';
import { openImageSource, openUserData } from '@controllab/data';
import { openMini } from '@controllab/mini-sd';
import { Progress, readPngText } from '@controllab/report';
import { methodMetadata } from '@controllab/base-model';
import { writeTinyCldm, writeTinyControlNet, writeTinyLdm, writeTinyModel } from '@controllab/base-model/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from './generate.ts';
import { readPictureText } from './pictures/picture-file.ts';
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
  const progress = new Progress({ write: (line) => said.push(line.trimEnd()) });
  return { files: await generate(generateOptions(parsed), progress), said };
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
      parameters: [
        'a cat',
        'Negative prompt: a dog',
        'Steps: 2, Sampler: DDIM, CFG scale: 7.5, Seed: 3, Size: 32x24, Model: model, ControlNet 0: "Module: canny, Model: control, Weight: 1, Resize Mode: Just Resize, Threshold A: 100, Threshold B: 200, Guidance Start: 0, Guidance End: 1, Control Mode: Balanced", Version: controllab',
      ].join('\n'),
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

  it('acts in its share of the steps alone, and in guess mode without a prompt', async () => {
    const raw = async (...flags: string[]) => pixels((await run(...flags)).png);
    const [all, none] = [await raw(...control()), await raw('--width=32', '--height=24')];
    const window = await raw(...control('--control-start=0.5'));
    expect(window.equals(all) || window.equals(none)).toBe(false);
    await expect(run(...control('--control-start=0.9'))).rejects.toThrow(/control 1 of 1 acts at none of the 2 steps/);
    expect((await raw(...control('--control-start=0', '--control-end=1'))).equals(all)).toBe(true);
    const guess = await draw('--model', at('model'), '--steps=2', ...control('--guess-mode'), '--out', at('guess.png'));
    const empty = await raw(...control('--guess-mode', '--prompt', ''));
    expect((await pixels(fs.readFileSync(guess.files[0]!))).equals(empty)).toBe(true);
  });

  it('takes guidance of 0 for none, as of 1', async () => {
    const one = await run('--guidance=1');
    const zero = await run('--guidance=0', '--negative-prompt=a dog');
    expect((await pixels(zero.png)).equals(await pixels(one.png))).toBe(true);
    expect(zero.log).toContainEqual('Warning: without guidance (0 or 1) negative prompts have no effect.');
    expect((await texts(zero.png))['parameters']).toContain('CFG scale: 1,');
  });

  it('weighs words, and never reads a weight or a tag as letters', async () => {
    const raw = async (...flags: string[]) => pixels((await run(...flags)).png);
    const plain = await raw();
    expect((await raw('--prompt', 'a (cat:1.5)')).equals(plain)).toBe(false);
    expect((await raw('--prompt', 'a (cat:1.0)')).equals(plain)).toBe(true);
    const tagged = await run('--prompt', 'a cat <lora:x:1>');
    expect((await pixels(tagged.png)).equals(plain)).toBe(true);
    expect(tagged.log).toContainEqual(expect.stringMatching(/^Warning: <lora:x:1> is left out of the prompt.*--lora-dir/));
    expect((await texts(tagged.png))['prompt']).toBe('a cat <lora:x:1>');
    await expect(run('--prompt', 'a [cat:dog:0.5]')).rejects.toThrow(/prompt editing.*--prompt-syntax plain/);
  });

  it('adds LoRAs by flag and by tag', async () => {
    fs.mkdirSync(at('loras', 'styles'), { recursive: true });
    const layer = 'lora_unet_down_blocks_0_attentions_0_proj_in';
    const ramp = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i + 1));
    writeSafetensors(at('loras', 'styles', 'ink.safetensors'), {
      [`${layer}.lora_down.weight`]: { data: ramp(16), shape: [2, 8, 1, 1] },
      [`${layer}.lora_up.weight`]: { data: ramp(16), shape: [8, 2, 1, 1] },
    });
    const ink = at('loras', 'styles', 'ink.safetensors');
    const raw = async (...flags: string[]) => pixels((await run(...flags)).png);
    const [plain, flag] = [await raw(), await raw('--lora', `${ink}:0.8`)];
    expect(flag.equals(plain)).toBe(false);
    const tagged = await run('--lora-dir', at('loras'), '--prompt', 'a cat<lora:ink:0.8>');
    expect((await pixels(tagged.png)).equals(flag)).toBe(true);
    expect((await texts(tagged.png))['parameters']).toContain('Loras: "ink: 0.8"');
    expect((await texts(tagged.png))['command']).not.toContain('--lora ');
    expect((await raw('--lora', `${ink}:0`)).equals(plain)).toBe(true);
    await expect(run('--lora-dir', at('loras'), '--prompt', '<lora:oil:1>')).rejects.toThrow(/has no oil\.safetensors; it has ink/);
    await expect(run('--lora-dir', at('loras'), '--prompt', 'a <lora:ink:1>', '--prompt', 'b', '--out', at('many'))).rejects.toThrow(
      /need the same <lora/,
    );
  });

  it("skips layers of the text encoder, and says so in A1111's words", async () => {
    const [plain, skipped] = [await run(), await run('--clip-skip=1')];
    expect((await pixels(skipped.png)).equals(await pixels(plain.png))).toBe(false);
    const { parameters, command } = await texts(skipped.png);
    expect(parameters).toContain('Clip skip: 2,');
    expect(command).toContain('--clip-skip 1');
    expect((await texts(plain.png))['parameters']).not.toContain('Clip skip');
    await expect(run('--clip-skip=2')).rejects.toThrow(/has 2 layers, of which 0 to 1 can be skipped/);
    await expect(draw('--clip-skip=1', '--prompt=a')).rejects.toThrow(/--clip-skip is for published models; --model is mini/);
  });

  it.each(['out.jpg', 'out.WEBP', 'out.jpeg'])('writes %s with its settings', async (name) => {
    const { png } = await run('--out', at(name), '--prompt', 'ein Bär');
    const { format, width } = await sharp(png).metadata();
    expect([format, width]).toEqual([name === 'out.WEBP' ? 'webp' : 'jpeg', 32]);
    expect(readPictureText(png)).toMatchObject({
      parameters: expect.stringMatching(/^ein Bär\nSteps: 2, Sampler: DDIM, CFG scale: 7\.5, Seed: 1, Size: 32x32, /),
      command: expect.stringMatching(/--prompt 'ein Bär'/),
    });
  });

  it('writes over what it wrote, over nothing else', async () => {
    const first = await run('--out', at('own.png'));
    expect((await run('--out', at('own.png'))).png.equals(first.png)).toBe(true);
    fs.copyFileSync(at('square.png'), at('mine.png'));
    const before = fs.readFileSync(at('mine.png'));
    await expect(run('--out', at('mine.png'))).rejects.toThrow(/mine\.png exists and is no picture of ours.*--overwrite/);
    expect(fs.readFileSync(at('mine.png'))).toEqual(before);
    // Before a model is opened.
    await expect(run('--model', at('nowhere'), '--out', at('mine.png'))).rejects.toThrow(/mine\.png exists/);
    await expect(run('--model', at('nowhere'), '--out', at('mine.png', 'x.png'))).rejects.toThrow(/mine\.png is a file, not a folder/);
    await expect(run(...control('--out', at('square.png'), '--overwrite'))).rejects.toThrow(/square\.png is read by the command itself/);
    expect((await run('--out', at('mine.png'), '--overwrite')).png).toEqual(first.png);
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
    await expect(run('--model', at('square.png'))).rejects.toThrow(/square\.png is a picture/);
    await expect(run('--width=30', '--height=32')).rejects.toThrow(/width must be a multiple of 8, got 30; .*24 or 32/);
    await expect(run(...control('--condition', at('model', 'model_index.json'), '--controlnet', at('control')))).rejects.toThrow(
      /Cannot read the image .*model_index\.json/,
    );
    writeTinyControlNet(at('xl-control'), { xl: true });
    await expect(run('--controlnet', at('xl-control'), '--condition', at('square.png'))).rejects.toThrow(
      /made for another U-Net.*text of width 14.*text of width 8/s,
    );
    fs.writeFileSync(
      at('model', 'scheduler', 'scheduler_config.json'),
      JSON.stringify({ prediction_type: 'epsilon', use_flow_sigmas: true }),
    );
    await expect(run()).rejects.toThrow(/use_flow_sigmas: models trained by flow matching are not implemented/);
  });
});

describe('generate with the embedded default', () => {
  it('draws every prompt, each picture from a seed of its own, a sheet of all, and writes over none', async () => {
    const flags = ['--prompt', 'a large dog', '--prompt', '', '--count', '2', '--steps', '2', '--seed', '8', '--out', at('folder')];
    const { files } = await draw(...flags);
    const names = ['a-large-dog-8.png', 'a-large-dog-9.png', 'empty-10.png', 'empty-11.png', 'sheet-8.png', 'captions.csv'];
    expect(files.map((file) => path.basename(file))).toEqual(names);
    const pngs = files.map((file) => fs.readFileSync(file));
    expect(new Set(pngs.map(String)).size).toBe(6);
    expect(String(pngs[5])).toBe(
      'file,caption\na-large-dog-8.png,a large dog\na-large-dog-9.png,a large dog\nempty-10.png,\nempty-11.png,\n',
    );
    expect(await sharp(pngs[0]).metadata()).toMatchObject({ width: 64, height: 64 });
    const line = await sharp(pngs[4]).extract({ left: 64, top: 64, width: 64, height: 64 }).raw().toBuffer();
    expect(line.equals(await pixels(pngs[3]!))).toBe(true);
    expect(await texts(pngs[3]!)).toMatchObject({
      prompt: '',
      model: expect.stringMatching(/^mini, U-Net [0-9a-f]{12}$/),
      settings: 'seed 11, 2 steps, guidance 4, sampler ddim, 64 x 64',
      parameters: expect.stringMatching(
        /^Steps: 2, Sampler: DDIM, CFG scale: 4, Seed: 11, Size: 64x64, Model hash: [0-9a-f]{10}, Model: mini,/,
      ),
    });
    const source = await openImageSource(at('folder'));
    expect(source.names).toEqual(names.slice(0, 4));
    expect(source.skipped.text()).toBe('captions.csv; contact sheets of generate: sheet-8.png');
    const data = await openUserData({ data: at('folder'), resolution: 64, captions: 'none', format: 'folder' });
    expect([data.length, data.problems.map(({ where }) => where)]).toEqual([4, ['sheet-8.png']]);
    await data.close();
    const again = (await draw(...flags, '--no-sheet')).files;
    expect(again.map((file) => path.basename(file))).toEqual([
      'a-large-dog-8-2.png',
      'a-large-dog-9-2.png',
      'empty-10-2.png',
      'empty-11-2.png',
      'captions.csv',
    ]);
    expect(fs.readFileSync(at('folder', 'captions.csv'), 'utf8').trim().split('\n')).toHaveLength(9);
    expect(await pixels(fs.readFileSync(again[3]!))).toEqual(await pixels(pngs[3]!));
  });

  it('draws each row of a prompts file under a condition of its own', async () => {
    fs.mkdirSync(at('pairs', 'conditions'), { recursive: true });
    for (const [name, left] of [
      ['one.png', 8],
      ['two.png', 40],
    ] as const) {
      const square = Uint8Array.from({ length: 64 * 64 }, (_, p) =>
        p % 64 > left && p % 64 < left + 16 && p > 64 * 20 && p < 64 * 44 ? 230 : 20,
      );
      await sharp(square, { raw: { width: 64, height: 64, channels: 1 } })
        .png()
        .toFile(at('pairs', 'conditions', name));
    }
    const rows = ['prompt,condition,seed', 'a large dog,conditions/one.png,5', 'a large dog,conditions/two.png,5', ''];
    fs.writeFileSync(at('pairs', 'p.csv'), rows.join('\n'));
    const flags = ['--control', 'canny', '--prompts', at('pairs', 'p.csv'), '--steps', '2', '--no-sheet'];
    const kept = at('pairs', 'kept');
    fs.mkdirSync(kept);
    fs.writeFileSync(path.join(kept, 'a-large-dog-5-2.png'), 'mine');
    const { files: written } = await draw(...flags, '--out', at('pairs', 'out'), '--save-conditions', kept);
    expect(written.map((file) => path.basename(file))).toEqual(['a-large-dog-5.png', 'a-large-dog-5-3.png', 'captions.csv']);
    const files = written.slice(0, 2);
    // What evaluate compares: edges of each picture's own square, under the picture's name.
    const { names } = await openImageSource(kept);
    expect(names.toSorted()).toEqual(['a-large-dog-5-2.png', 'a-large-dog-5-3.png', 'a-large-dog-5.png']);
    expect(fs.readFileSync(path.join(kept, 'a-large-dog-5-2.png'), 'utf8')).toBe('mine');
    for (const [i, left] of [8, 40].entries()) {
      const edges = await sharp(path.join(kept, path.basename(files[i]!)))
        .extractChannel(0)
        .raw()
        .toBuffer();
      const columns = [...edges.keys()].filter((p) => edges[p] === 255).map((p) => p % 64);
      for (const [end, at] of [
        [Math.min(...columns), left],
        [Math.max(...columns), left + 16],
      ] as const)
        expect(Math.abs(end - at)).toBeLessThanOrEqual(1);
    }
    await expect(draw(...flags, '--out', at('pairs', 'out'), '--save-conditions', at('pairs', 'out', 'seen'))).rejects.toThrow(
      /--save-conditions .*seen: it and .*out lie one in the other/,
    );
    const drawn = await Promise.all(files.map((file) => pixels(fs.readFileSync(file))));
    for (const [i, name] of ['one.png', 'two.png'].entries()) {
      const condition = at('pairs', 'conditions', name);
      const alone = ['--control', 'canny', '--condition', condition, '--prompt', 'a large dog', '--seed', '5', '--steps', '2'];
      const one = await pixels(fs.readFileSync((await draw(...alone, '--out', at('pairs', name))).files[0]!));
      one.forEach((value, p) => expect(Math.abs(drawn[i]![p]! - value)).toBeLessThanOrEqual(1));
      expect((await texts(fs.readFileSync(files[i]!)))['command']).toContain(`--condition ${condition}`);
    }
    expect(drawn[0]!.equals(drawn[1]!)).toBe(false);
    const refused = (...more: string[]) => draw(...more, '--prompts', at('pairs', 'p.csv'), '--steps', '2', '--out', at('pairs', 'none'));
    await expect(refused('--control', 'canny', '--condition', at('square.png'))).rejects.toThrow(
      /--condition is given, and .*p\.csv has a column condition: leave one of them out/,
    );
    await expect(refused()).rejects.toThrow(/p\.csv has a column condition and there is no control that sees it/);
    await expect(refused('--control', 'canny', '--prompt', 'a dog')).rejects.toThrow(
      /as many --condition images, got 0; or all prompts in a --prompts file/,
    );
    fs.writeFileSync(at('pairs', 'conditions', 'two.png'), 'no picture');
    await expect(refused('--control', 'canny')).rejects.toThrow(/p\.csv, row 3: Cannot read the image .*two\.png/);
    expect(fs.existsSync(at('pairs', 'none'))).toBe(false);
  });

  it('draws a picture again by the command that it carries', async () => {
    fs.writeFileSync(at('p.jsonl'), '{"prompt": "a (large:1.5) dog", "seed": 40, "negative_prompt": "it\'s, \\"red\\""}\n"a cat"\n');
    const flags = [
      '--prompts',
      at('p.jsonl'),
      '--steps',
      '3',
      '--sampler',
      'euler',
      '--karras',
      '--spacing',
      'leading',
      '--guidance-rescale',
      '0.5',
    ];
    const { files, said } = await draw(...flags, '--out', at('again'));
    expect(said).toContainEqual('Prompt weights: "large" 1.5 (--prompt-syntax plain reads brackets as text).');
    expect(path.basename(files[1]!)).toBe('a-cat-2.png');
    for (const file of files.slice(0, 2)) {
      const png = fs.readFileSync(file);
      const { command } = await texts(png);
      // What a shell makes of it.
      const words = execFileSync('bash', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
        .split('\0')
        .slice(3, -1);
      const redrawn = await draw(...words, '--out', at('redrawn.png'), '--overwrite');
      const [before, after] = [await pixels(png), await pixels(fs.readFileSync(redrawn.files[0]!))];
      after.forEach((value, i) => expect(Math.abs(before[i]! - value)).toBeLessThanOrEqual(1));
      expect((await texts(fs.readFileSync(redrawn.files[0]!)))['command']).toBe(command);
    }
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
