import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClipModel, initialize, openaiClip, openaiClipConfig, withParameters, writeSafetensors } from '@controllab/core-blocks';
import { saveOnnx, type HostTensor } from '@controllab/tfjs-onnx';
import { extractFeatures } from '../features/feature-collector.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { CLIP_MODELS, clipModelName } from './models.ts';
import { onnxImageTower, onnxTextTower } from './onnx-towers.ts';
import { clipImageTower, clipTextTower, openClip } from './safetensors-towers.ts';
import type { TextTower } from './towers.ts';

const tower = { hidden_size: 8, intermediate_size: 16, num_hidden_layers: 2, num_attention_heads: 2 };
const tiny = () =>
  new ClipModel({
    text_config: { ...tower, vocab_size: 20, max_position_embeddings: 6 },
    vision_config: { ...tower, image_size: 8, patch_size: 4 },
    projection_dim: 4,
  });
const model = tiny();
const weights = initialize(model, 7);

let directory: string;
let file: string;
let images: FeatureExtractor;
let texts: TextTower;
beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'clip-'));
  file = path.join(directory, 'clip.safetensors');
  writeSafetensors(file, weights);
  const clip = await openClip('tiny', model, file);
  images = await clipImageTower(clip, { batchSize: 2, threads: 1 });
  texts = await clipTextTower(clip, { batchSize: 2, threads: 1 });
});
afterAll(async () => {
  await images.release();
  await texts.release();
  fs.rmSync(directory, { recursive: true, force: true });
});

const pixels = (count: number): HostTensor => ({
  data: Float32Array.from({ length: count * 3 * 64 }, (_, i) => Math.sin(i * 1.7)),
  shape: [count, 3, 8, 8],
});
const IDS = { data: Int32Array.of(18, 3, 19, 0, 0, 0, 18, 4, 5, 6, 19, 0), shape: [2, 6] };
const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a).toHaveLength(b.length);
  for (let i = 0; i < b.length; i++) expect(a[i]).toBeCloseTo(b[i]!, 5);
};

/** The same weights in openai/CLIP's names. */
function inOpenaiNames(): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = { attn_mask: { data: Float32Array.of(0), shape: [1] } };
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const { name: theirs, part, transposed } = openaiClip().stored(name);
    const [rows = 1, columns = 1] = shape;
    if (part) {
      const [i, n] = part;
      const stacked = (tensors[theirs] ??= { data: new Float32Array(n * data.length), shape: [n * rows, ...shape.slice(1)] });
      stacked.data.set(data, i * data.length);
    } else if (transposed)
      tensors[theirs] = {
        data: Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
        shape: [columns, rows],
      };
    else tensors[theirs] = { data, shape };
  }
  return tensors;
}

describe('towers from safetensors', () => {
  it('give a row the same embedding alone and in a batch', async () => {
    const both = await images.run(pixels(2));
    close(await images.run({ data: pixels(2).data.slice(3 * 64), shape: [1, 3, 8, 8] }), both.slice(4));
    const text = await texts.run(IDS);
    close(await texts.run({ data: IDS.data.slice(6), shape: [1, 6] }), text.slice(4));
    expect(text.slice(0, 4)).not.toEqual(text.slice(4));
    expect(images.weightsHash).toBe(createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
    await expect(images.run(pixels(3))).rejects.toThrow(/expected a batch of \[1 to 2, 3, 8, 8\], got \[3, 3, 8, 8\]/);
  });

  it("read openai/CLIP's names too", async () => {
    const other = path.join(directory, 'openai.safetensors');
    writeSafetensors(other, inOpenaiNames());
    const clip = await openClip('tiny', model, other);
    const [image, text] = [
      await clipImageTower(clip, { batchSize: 2, threads: 1 }),
      await clipTextTower(clip, { batchSize: 2, threads: 1 }),
    ];
    close(await image.run(pixels(2)), await images.run(pixels(2)));
    close(await text.run(IDS), await texts.run(IDS));
    await Promise.all([image.release(), text.release()]);
  });

  it('take images of any size through the preprocessing, a batch at a time', async () => {
    const image = (width: number, height: number) => ({
      rgb: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
      width,
      height,
    });
    const all = [image(8, 8), image(20, 9), image(5, 30)];
    const { data, shape } = await extractFeatures(images, all);
    expect(shape).toEqual([3, 4]);
    for (const [i, one] of all.entries()) close((await extractFeatures(images, [one])).data, data.slice(4 * i, 4 * i + 4));
    await expect(extractFeatures(images, [])).rejects.toThrow(/at least one image/);
    const broken = { ...images, run: async (batch: HostTensor) => (await images.run(batch)).fill(Number.NaN, 4 * (batch.shape[0]! - 1)) };
    await expect(extractFeatures(broken, all)).rejects.toThrow(/feature 0 of row 1 is NaN/);
  });

  // transformers' CLIPModel, by fixtures/make/clip_activation.py
  it.each([
    ['quick_gelu', [-1.81002, 2.214, -2.54517, 2.79264], [-1.46513, 0.99677, -0.49563, -0.0218]],
    ['gelu', [-1.80275, 2.20552, -2.53576, 2.78262], [-1.46902, 1.00166, -0.50136, -0.01543]],
  ] as const)('compute with %s, as OpenAI\u2019s or OpenCLIP\u2019s weights want it', async (activation, wantedImage, wantedText) => {
    const size = { context_length: 6, vocab_size: 20, image_resolution: 8, embed_dim: 4 };
    const towers = {
      vision_layers: 2,
      vision_width: 8,
      vision_patch_size: 4,
      transformer_width: 8,
      transformer_heads: 2,
      transformer_layers: 2,
    };
    const config = openaiClipConfig({ ...size, ...towers }, activation);
    const narrow = { ...tower, hidden_act: activation };
    const waves = new ClipModel({
      ...config,
      text_config: { ...config.text_config, ...narrow },
      vision_config: { ...config.vision_config, ...narrow },
    });
    const tensors = Object.fromEntries(
      [...waves.parameters()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { shape }], k) => {
          const length = shape.reduce((x, y) => x * y, 1);
          return [name, { data: Float32Array.from({ length }, (_, i) => Math.sin(0.37 * i + k)), shape }];
        }),
    );
    const other = path.join(directory, `${activation}.safetensors`);
    writeSafetensors(other, tensors);
    const clip = await openClip('waves', waves, other);
    const [image, text] = [await clipImageTower(clip, { threads: 1 }), await clipTextTower(clip, { threads: 1 })];
    const embedded = [
      await image.run({ data: pixels(1).data, shape: [1, 3, 8, 8] }),
      await text.run({ data: IDS.data.slice(0, 6), shape: [1, 6] }),
    ];
    for (const [i, wanted] of [wantedImage, wantedText].entries())
      for (const [j, x] of wanted.entries()) expect(Math.abs(embedded[i]![j]! - x)).toBeLessThan(2e-4);
    expect([config.text_config.hidden_act, config.vision_config.hidden_act]).toEqual([activation, activation]);
    expect(CLIP_MODELS['ViT-B/32'](activation).text.config.hidden_act).toBe(activation);
    await Promise.all([image.release(), text.release()]);
  });

  it('refuse weights of another CLIP by name', async () => {
    const short = path.join(directory, 'short.safetensors');
    const rest = Object.entries(weights).filter(([name]) => name !== 'logit_scale');
    writeSafetensors(short, { ...Object.fromEntries(rest), 'vision_model.extra': { data: Float32Array.of(1), shape: [1] } });
    await expect(openClip('tiny', tiny(), short)).rejects.toThrow(
      /short\.safetensors does not hold CLIP tiny: [^]*missing logit_scale[^]*unexpected vision_model\.extra/,
    );
    expect(() => clipModelName('vit-l14')).toThrow(/no CLIP "vit-l14"; there are ViT-B\/32, ViT-B\/16, ViT-L\/14, ViT-L\/14@336px/);
  });
});

describe('towers from ONNX files', () => {
  const { onnx } = onnxProto;
  /** [N, T] int64 ids and their mask to their masked sum and the number of tokens, [N, 2], for any N and T. */
  function sums(target: string, inputs = ['input_ids', 'attention_mask'], output = 'text_embeds'): string {
    const types = { FLOAT: 1, INT64: 7, INTS: 7, INT: 2 };
    const value = (name: string, elemType: number, ...dims: (string | number)[]) => ({
      name,
      type: { tensorType: { elemType, shape: { dim: dims.map((d) => (typeof d === 'string' ? { dimParam: d } : { dimValue: d })) } } },
    });
    const node = (opType: string, input: string[], out: string, attribute: object[] = []) => ({
      opType,
      name: out,
      input,
      output: [out],
      attribute,
    });
    const graph = {
      name: 'sums',
      input: inputs.map((name) => value(name, types.INT64, 'batch', 'tokens')),
      output: [value(output, types.FLOAT, 'batch', 2), value('last_hidden_state', types.FLOAT, 'batch', 1)],
      initializer: [{ name: 'axis', dims: [1], dataType: types.INT64, int64Data: [1] }],
      node: [
        node('Mul', [inputs[0]!, inputs.at(-1)!], 'masked'),
        node('ReduceSum', ['masked', 'axis'], 'sum'),
        node('ReduceSum', [inputs.at(-1)!, 'axis'], 'count'),
        node('Concat', ['sum', 'count'], 'joined', [{ name: 'axis', type: types.INT, i: 1 }]),
        node('Cast', ['joined'], output, [{ name: 'to', type: types.INT, i: types.FLOAT }]),
        node('Cast', ['sum'], 'last_hidden_state', [{ name: 'to', type: types.INT, i: types.FLOAT }]),
      ],
    };
    const name = path.join(directory, target);
    fs.writeFileSync(
      name,
      onnx.ModelProto.encode(
        onnx.ModelProto.create({ irVersion: 9, opsetImport: [{ domain: '', version: 17 }], graph: graph as object }),
      ).finish(),
    );
    return name;
  }

  it('take 64-bit ids with a mask up to the end of the text', async () => {
    const text = await onnxTextTower(sums('text_model.onnx'), { threads: 1 });
    expect(text).toMatchObject({ context: 77, dimension: 2, batchSize: 8 });
    const ids = new Int32Array(2 * 77);
    ids.set([18, 3, 19]);
    ids.set([18, 4, 5, 19, 19, 19], 77); // padded with the end mark
    expect([...(await text.run({ data: ids, shape: [2, 77] }))]).toEqual([40, 3, 46, 4]);
    await text.release();
  });

  it('give what the same network gives from its weights', async () => {
    const [vision, text] = [path.join(directory, 'vision.onnx'), path.join(directory, 'text.onnx')];
    saveOnnx(
      ({ inputs, constants }) => ({
        outputs: { embeds: withParameters(model.vision, constants, () => model.vision.forward(inputs['pixel_values']!)) },
      }),
      { inputs: { pixel_values: { shape: [2, 3, 8, 8] } }, constants: weights },
      vision,
    );
    saveOnnx(
      ({ inputs, constants }) => ({
        outputs: { embeds: withParameters(model.text, constants, () => model.text.encode(inputs['input_ids']!).embeds) },
      }),
      { inputs: { input_ids: { shape: [2, 6], dtype: 'int32' } }, constants: weights },
      text,
    );
    const [imageTower, textTower] = [
      await onnxImageTower('tiny', vision, { batchSize: 9, threads: 1 }),
      await onnxTextTower(text, { threads: 1 }),
    ];
    expect(imageTower).toMatchObject({ name: 'CLIP tiny', dimension: 4, batchSize: 2, preprocess: { name: 'clip-8', size: 8 } });
    expect(textTower).toMatchObject({ context: 6, dimension: 4, batchSize: 2 });
    close(await imageTower.run({ data: pixels(1).data, shape: [1, 3, 8, 8] }), await images.run(pixels(1)));
    close(await textTower.run(IDS), await texts.run(IDS));
    await Promise.all([imageTower.release(), textTower.release()]);
  });

  it('refuse other networks and other files, naming what they have', async () => {
    const text = sums('swapped.onnx');
    await expect(onnxImageTower('tiny', text)).rejects.toThrow(
      /expected the input pixel_values and the output image_embeds, found input_ids, attention_mask and text_embeds, last_hidden_state/,
    );
    await expect(onnxTextTower(sums('positions.onnx', ['input_ids', 'position_ids']))).rejects.toThrow(/found input_ids, position_ids/);
    await expect(onnxTextTower(sums('hidden.onnx', ['input_ids'], 'pooled'))).rejects.toThrow(
      /output text_embeds, found input_ids and pooled/,
    );
    fs.writeFileSync(path.join(directory, 'no.onnx'), 'no');
    await expect(onnxTextTower(path.join(directory, 'no.onnx'))).rejects.toThrow(/no\.onnx cannot be run as an ONNX network/);
    await expect(onnxTextTower(path.join(directory, 'none.onnx'))).rejects.toThrow(/cannot read .*none\.onnx/);
  });
});
