import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { openCheckpoint, openControl } from '@controllab/base-model';
import { writeTinyModel } from '@controllab/base-model/testing';
import { readConstant } from '@controllab/core-blocks';
import { encodePng } from '@controllab/report';
import { saveOnnx } from '@controllab/tfjs-onnx';
import { parseFlags } from '@controllab/command-line';
import { configText } from './config-file.ts';
import { trainFlags, type TrainFlags } from './flags.ts';
import { trainSettings } from './settings.ts';
import { train } from './train.ts';

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);

/** Pictures of one disc each, with captions beside them. */
beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'published-'));
  writeTinyModel(at('sd'));
  mkdirSync(at('photos'));
  for (let n = 0; n < 5; n++) {
    const [width, height] = [70 + n, 60];
    const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return Math.hypot(x - 35, y - 30) < 12 + n ? 220 : 20 * n;
    });
    writeFileSync(at('photos', `disc-${n}.png`), await encodePng(rgb, width, height));
    writeFileSync(at('photos', `disc-${n}.txt`), `a cat ${'and a cat '.repeat(n)}\n`);
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const run = async (...argv: string[]): Promise<void> => {
  const command = trainFlags();
  parseFlags(command, [
    `--base=${at('sd')}`, `--data=${at('photos')}`, '--resolution=64', '--max-train-steps=2', '--train-batch-size=2', '--threads=1',
    ...(argv.includes('--no-validation') ? [] : ['--validation-steps=2', '--validation-inference-steps=2']), `--store=${at('store')}`, ...argv,
  ]); // prettier-ignore
  await train(trainSettings(command.opts<TrainFlags>()), { config: configText(command), command: 'train' });
};

it("trains on a user's pictures and a checkpoint of Stable Diffusion's architecture, and what it writes opens there", async () => {
  await run(`--out=${at('out')}`, '--gradient-checkpointing', '--snr-gamma=5', '--export', 'cldm', 'onnx');
  const base = openCheckpoint(at('sd'));
  for (const name of ['', 'cldm.safetensors'])
    expect(Object.keys(openControl(at('out', name), base).weights)).toContain('control.controlnet_mid_block.weight');
  const config = JSON.parse(readFileSync(at('out', 'config.json'), 'utf8')) as Record<string, unknown>;
  expect(config).toMatchObject({ _class_name: 'ControlNetModel', block_out_channels: [8, 16], cross_attention_dim: 8 });
  expect(config).not.toHaveProperty('up_block_types');
  expect(readFileSync(at('out', 'README.md'), 'utf8')).toMatch(/data: 5 of photos/);
  expect(
    readFileSync(at('out', 'validation', 'step-00000002-4.png'))
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
}, 300_000);

it('run again in its folder keeps what was edited there, and shows no picture under another prompt', async () => {
  const out = "it's mine";
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const again = async (...argv: string[]): Promise<string> => {
    said.length = 0;
    await run(`--out=${at(out)}`, `--validation-image=${at('photos', 'disc-0.png')}`, ...argv);
    return said.join('');
  };
  const text = (...names: string[]): string => readFileSync(at(out, ...names), 'utf8');
  try {
    expect(await again('--validation-prompt=one cat')).not.toMatch(/edited|other prompts/);
    const card = text('README.md');
    expect(card).toContain(`--controlnet 'it'\\''s mine' --condition picture.png`);
    expect(card).toContain('from_pretrained("it\'s mine")');
    expect(card).toMatch(/images\/pictures\.png[^]*after step 0, 2[^]*"one cat"/);
    expect(text('report', 'index.html')).toMatch(/Drawn under [^<]*one cat/);

    writeFileSync(at(out, 'README.md'), `${card}my words\n`);
    writeFileSync(at(out, 'train.json'), '{"mine": true}\n');
    const other = await again('--validation-prompt=two cats');
    expect(other).toMatch(/what 2 steps drew before was drawn under other prompts/);
    expect(other).toContain('README.md was edited, and stays; what it would be now is README.new.md');
    expect([text('README.md'), text('train.json')]).toEqual([`${card}my words\n`, '{"mine": true}\n']);
    expect(text('train.new.json')).toContain('two cats');
    expect(text('README.new.md')).not.toMatch(/pictures\.png|two cats/);
    expect(text('report', 'index.html')).not.toContain('Drawn under');

    // What nobody has edited since is written anew; what is edited twice stays twice.
    expect(await again('--validation-prompt=one cat')).not.toContain('other prompts');
    expect(text('README.new.md')).toBe(card);
    writeFileSync(at(out, 'README.new.md'), 'mine, too');
    expect(await again('--validation-prompt=two cats')).toContain('README.md and README.new.md were edited, and stay: move one away');
    expect(text('README.new.md')).toBe('mine, too');
  } finally {
    write.mockRestore();
  }
}, 300_000);

it('trains a ControlNeXt there in the layout that is released', async () => {
  await run(`--out=${at('next')}`, '--method=controlnext', '--no-validation');
  expect(readdirSync(at('next'))).toEqual(expect.arrayContaining(['README.md', 'controlnet.safetensors', 'unet.safetensors']));
  const { control, weights } = openControl(at('next'), openCheckpoint(at('sd')));
  expect(control.trainsInBase!.test('mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.weight')).toBe(true);
  expect(Object.keys(weights).filter((name) => !name.startsWith('control.') && !name.includes('to_out'))).toEqual([]);
}, 120_000);

it('trains on what an ONNX model makes of each picture, as it would on those pictures themselves', async () => {
  const SIDE = 64;
  mkdirSync(at('prepared'));
  for (let n = 0; n < 4; n++) {
    const rgb = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i * (n + 3) + (i >> 4)) % 256);
    writeFileSync(at('prepared', `${n}.png`), await encodePng(rgb, SIDE, SIDE));
    writeFileSync(
      at('prepared', `${n}.condition.png`),
      await encodePng(
        rgb.map((value) => 255 - value),
        SIDE,
        SIDE,
      ),
    );
    writeFileSync(at('prepared', `${n}.txt`), 'a cat');
  }
  const model = at('negative.onnx');
  saveOnnx(
    ({ inputs }) => ({ outputs: { negative: tf.sub(1, inputs['picture']!) } }),
    { inputs: { picture: { shape: [1, 3, SIDE, SIDE] } } },
    model,
  );
  const common = [`--data=${at('prepared')}`, '--no-validation'];
  await run(...common, `--out=${at('of-model')}`, '--control=onnx', `--condition-model=${model}`);
  await run(...common, `--out=${at('of-column')}`, '--control=column');
  const [ofModel, ofColumn] = ['of-model', 'of-column'].map((out) => openControl(at(out), openCheckpoint(at('sd'))).weights);
  expect(Object.keys(ofModel!).length).toBeGreaterThan(0);
  for (const [name, value] of Object.entries(ofModel!))
    expect([name, readConstant(value).data]).toEqual([name, readConstant(ofColumn![name]!).data]);
  expect(readFileSync(at('of-model', 'README.md'), 'utf8')).toContain('what a model makes of pictures');
  // Its pictures were made once.
  const [folder] = readdirSync(at('store', 'conditions'));
  expect(readdirSync(at('store', 'conditions', folder!))).toHaveLength(4);
}, 120_000);

it('trains in aspect buckets there, a step for each size', async () => {
  mkdirSync(at('shapes'));
  for (const [n, [width, height]] of (
    [
      [90, 60],
      [90, 60],
      [60, 90],
    ] as const
  ).entries()) {
    writeFileSync(at('shapes', `${n}.png`), await encodePng(new Uint8Array(3 * width * height).fill(40 * n), width, height));
    writeFileSync(at('shapes', `${n}.txt`), 'a cat');
  }
  await run(`--data=${at('shapes')}`, `--out=${at('buckets')}`, '--aspect-buckets', '--max-train-steps=3');
  expect(readFileSync(at('buckets', 'README.md'), 'utf8')).toMatch(/80 x 48 \(2 pictures\), 48 x 80 \(1 picture\)/);
  const png = readFileSync(at('buckets', 'validation', 'step-00000002-1.png'));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([80, 48]);
}, 120_000);

it('says what is wrong with data and size before anything is trained', async () => {
  await expect(run(`--out=${at('bad')}`, '--resolution=70')).rejects.toThrow(/multiple of 8, got 70; e\.g\. 64 or 72; use --resolution/);
  await expect(run(`--out=${at('bad')}`, '--control=column')).rejects.toThrow(/no column of condition pictures/);
  writeFileSync(at('photos', 'torn.png'), 'no picture');
  writeFileSync(at('photos', 'torn.txt'), 'a cat');
  await expect(run(`--out=${at('bad')}`)).rejects.toThrow(/torn\.png/);
}, 120_000);
