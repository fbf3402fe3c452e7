import { describe, expect, it } from 'vitest';
import { parameterSpecs, withParameters } from '@controllab/core-blocks';
import { conditionBatch, firstExamples } from '@controllab/data';
import { emojiScenes } from '@controllab/emoji-scenes';
import { MINI_UNET, miniVae } from '../networks/models.ts';
import { compile } from '@controllab/tfjs-onnx';
import { openMini } from './open-mini.ts';

const engine = { threads: 1 };

describe('the embedded default as a base', () => {
  const base = openMini();

  it('names its weights by part and keeps the order of its encoder', () => {
    const { target, unet, inputs } = base.denoiser();
    const names = Object.keys(base.weights);
    for (const name of Object.keys(parameterSpecs({ unet, text: base.textEncoder().module, vae: miniVae() })))
      expect(names).toContain(name);
    const keys = Object.keys(MINI_UNET).filter((key) => key !== 'up_block_types' && key !== 'out_channels');
    expect(target).toMatchObject({ family: 'mini', factor: 4, video: false });
    expect(Object.keys(target.encoder)).toEqual(keys);
    expect(MINI_UNET).toMatchObject(target.encoder);
    expect(inputs(2, { height: 8, width: 16 })['sample']!.shape).toEqual([2, 4, 8, 16]);
    expect(base.denoiser({ extraInputs: 4 }).unet.parameters().get('conv_in.weight')!.shape[1]).toBe(8);
  });

  it('encodes pictures to the latents that denoisers were trained on, and decodes them again', async () => {
    const scenes = await firstExamples(await emojiScenes({ tier: 'core', seed: 3, split: 'train' }), 66);
    const images = scenes.map(({ image }) => image);
    const latents = await base.encode(images, engine);
    expect(latents.shape).toEqual([66, 4, 16, 16]);
    // A picture's latents don't depend on which others it is encoded with, and the last batch is filled up.
    const last = await base.encode(images.slice(64), engine);
    expect(last.data).toEqual(latents.data.slice(64 * 1024));
    const [first] = await base.decode({ data: latents.data.slice(0, 1024), shape: [1, 4, 16, 16] }, engine);
    const squares = first!.rgb.reduce((sum, value, i) => sum + (value - images[0]!.rgb[i]!) ** 2, 0) / first!.rgb.length;
    expect(10 * Math.log10(255 ** 2 / squares)).toBeGreaterThan(20);
  });

  it('encodes a condition within another graph to the same latents', async () => {
    const { latentEncoder } = base.denoiser();
    const images = (await firstExamples(await emojiScenes({ tier: 'core', seed: 4, split: 'train' }), 2)).map(({ image }) => image);
    const pictures = conditionBatch(images);
    const vae = Object.fromEntries(Object.entries(base.weights).filter(([name]) => name.startsWith('vae.')));
    const network = await compile(
      ({ inputs, constants }) =>
        withParameters({ vae: latentEncoder!.module }, constants, () => ({
          outputs: { latents: latentEncoder!.encode(inputs['pictures']!) },
        })),
      { inputs: { pictures: { shape: pictures.shape } }, constants: vae },
      engine,
    );
    const { latents } = await network.run({ pictures });
    await network.release();
    const expected = await base.encode(images, engine);
    expect(latents!.shape).toEqual(expected.shape);
    expect(Math.max(...latents!.data.map((x, i) => Math.abs(x - expected.data[i]!)))).toBeLessThan(1e-4);
  });

  it('tokenises in a worker as here, and encodes every prompt by itself', async () => {
    const { captions } = await (await emojiScenes({ tier: 'core', seed: 1, split: 'train' })).example(0);
    const prompts = [captions.caption, ''];
    const { default: open } = (await import(base.tokenizer.module)) as { default(data: unknown): typeof base.tokenize };
    expect(open(base.tokenizer.data)(prompts)).toEqual(base.tokenize(prompts));
    const { context } = await base.encodePrompts([...prompts, null], engine);
    expect(context!.shape).toEqual([3, 24, 128]);
    const row = (n: number) => context!.data.slice(n * 24 * 128, (n + 1) * 24 * 128);
    expect(row(2)).toEqual(row(1));
    expect(row(0)).not.toEqual(row(1));
  });

  it('compiles its autoencoder on the engine that it is given', async () => {
    const latents = { data: new Float32Array(1024), shape: [1, 4, 16, 16] };
    const image = { rgb: new Uint8Array(64 * 64 * 3), width: 64, height: 64 };
    const absent = { provider: 'none' as never };
    for (const run of [() => base.encode([image], absent), () => base.decode(latents, absent), () => base.encodePrompts(['a'], absent)])
      await expect(run()).rejects.toMatchObject({ code: 'engine-unavailable' });
  });

  it('has another hash with a community model, and other weights in its U-Net', () => {
    const style = openMini({ style: 'noto' });
    expect(style).toMatchObject({ id: 'mini:noto', hashes: { vae: base.hashes['vae'] } });
    expect(style.hash).not.toBe(base.hash);
    expect(style.weights['unet.conv_in.weight']).not.toEqual(base.weights['unet.conv_in.weight']);
  });
});
