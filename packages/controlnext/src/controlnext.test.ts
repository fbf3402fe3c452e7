import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  countParameters,
  initialize,
  loadStateDict,
  parameterSpecs,
  readSafetensors,
  withParameters,
  writeSafetensors,
} from '@controllab/core-blocks';
import { cost, trace, type HostTensor } from '@controllab/tfjs-onnx';
import { CONTROLNEXT_MODULES, ControlNeXtModel } from './controlnext.ts';

beforeAll(() => tf.setBackend('cpu'));

const shapes = (module: ControlNeXtModel) => Object.fromEntries([...module.parameters()].map(([name, { shape }]) => [name, shape]));
const published = (name: string) =>
  (
    JSON.parse(
      fs.readFileSync(path.join(import.meta.dirname, '../../../fixtures/reference/arch', `controlnext_module_${name}.json`), 'utf8'),
    ) as { params: Record<string, number[]> }
  ).params;
const toTensors = (host: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(host).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));

/** Output shape and multiply-accumulates at full size, without a weight. */
function traced(module: ControlNeXtModel, shape: number[]) {
  const graph = trace(
    ({ inputs, constants }) => ({
      outputs: { control: withParameters(module, constants, () => module.forward(inputs['image']!, inputs['t']!)).control },
    }),
    { inputs: { image: { shape }, t: { shape: [shape[0]!] } }, constants: parameterSpecs(module) },
  );
  return { shape: graph.outputs.get('control')!.shape, gmacs: cost(graph).macs / 1e9 };
}

describe('published modules', () => {
  it.each([
    ['current', () => new ControlNeXtModel(CONTROLNEXT_MODULES.current)],
    ['current', () => new ControlNeXtModel(CONTROLNEXT_MODULES.svdInference)],
    ['sd15_inference_legacy', () => new ControlNeXtModel(CONTROLNEXT_MODULES.sd15Legacy)],
    ['svd_v1_legacy', () => new ControlNeXtModel(CONTROLNEXT_MODULES.svdV1)],
  ] as const)('%s has exactly the published names and shapes', (name, build) => {
    expect(shapes(build())).toEqual(published(name));
  });

  it.each([
    ['current', () => new ControlNeXtModel(CONTROLNEXT_MODULES.current), 3_526_400, 52],
    ['SD1.5, inference folder', () => new ControlNeXtModel(CONTROLNEXT_MODULES.sd15Legacy), 5_352_327, 51],
    ['SDXL until July 2024', () => new ControlNeXtModel(CONTROLNEXT_MODULES.sdxlLegacy), 5_353_351, 55],
    ['SVD v1', () => new ControlNeXtModel(CONTROLNEXT_MODULES.svdV1), 5_610_177, 65],
  ] as const)('%s has %s parameters', (_, build, count, tensors) => {
    expect(countParameters(build())).toBe(count);
    expect(build().parameters().size).toBe(tensors);
  });

  it.each([
    ['current, 512 px', () => new ControlNeXtModel(CONTROLNEXT_MODULES.current), [1, 3, 512, 512], [1, 320, 64, 64], 51.72],
    ['legacy, 512 px', () => new ControlNeXtModel(CONTROLNEXT_MODULES.sd15Legacy), [1, 3, 512, 512], [1, 1280, 64, 64], 147.036],
    ['SVD-v2, 14 frames', () => new ControlNeXtModel(CONTROLNEXT_MODULES.current), [1, 14, 3, 576, 1024], [14, 320, 72, 128], 1629.18],
    [
      'SVD-v2 without padding, 14 frames',
      () => new ControlNeXtModel(CONTROLNEXT_MODULES.svdInference),
      [1, 14, 3, 576, 1024],
      [14, 320, 71, 127],
      null,
    ],
    ['SVD v1, 14 frames', () => new ControlNeXtModel(CONTROLNEXT_MODULES.svdV1), [1, 14, 3, 576, 1024], [14, 1280, 18, 32], 585.106],
  ] as const)('%s: shape and multiply-accumulates as measured on the released code', (_, build, image, shape, gmacs) => {
    const got = traced(build(), [...image]);
    expect(got.shape).toEqual(shape);
    if (gmacs !== null) expect(Math.abs(got.gmacs / gmacs - 1)).toBeLessThan(1e-4);
  });
});

describe('ControlNeXtModel', () => {
  it('pools over 2x2 blocks and drops the odd row behind the unpadded stem', () => {
    const module = new ControlNeXtModel({ stem: 'pooled', out_channels: [8], groups: [2], final_out_channels: 2 });
    // 22 x 18 pixels: 11 x 9, unpadded 7 x 5, pooled 3 x 2, halved 2 x 1.
    const { control } = withParameters(module, toTensors(initialize(module, 1)), () =>
      module.forward(tf.randomUniform([1, 3, 22, 18], 0, 1, 'float32', 1), tf.tensor1d([1])),
    );
    expect(control.shape).toEqual([1, 2, 2, 1]);
  });

  it('gives the number 1 as scale, or the parameter that starts there', () => {
    const image = tf.zeros([1, 3, 8, 8]);
    const scaleOf = (learnable_scale: boolean) => {
      const module = new ControlNeXtModel({ out_channels: [8], groups: [2], learnable_scale });
      return withParameters(module, toTensors(initialize(module, 1)), () => module.forward(image, tf.tensor1d([1]))).scale;
    };
    expect(scaleOf(false)).toBe(1);
    expect((scaleOf(true) as tf.Tensor).dataSync()).toEqual(Float32Array.of(1));
  });

  it('names what a file lacks, has beyond it, or has in another shape', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'controlnext-'));
    try {
      const small = { out_channels: [8], groups: [2], final_out_channels: 4 };
      const file = path.join(directory, 'module.safetensors');
      writeSafetensors(file, initialize(new ControlNeXtModel({ ...small, learnable_scale: true, middle: 'plain' }), 1));
      const load = (config: object) => () => loadStateDict(new ControlNeXtModel({ ...small, ...config }), readSafetensors(file));
      expect(Object.keys(load({ learnable_scale: true, middle: 'plain' })())).toHaveLength(37);
      expect(load({})).toThrow(
        /missing mid_convs\.0\.3\.weight \[8, 8, 3, 3\](.|\n)*mid_convs\.0\.2\.weight: expected \[8\], found \[8, 8, 3, 3\](.|\n)*unexpected scale/,
      );
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });

  it.each([
    [[1, 4, 16, 16], [1]],
    [[1, 3, 16, 16], [2]],
    [[3, 16, 16], [1]],
  ])('refuses an image %j with timesteps %j', (image, t) => {
    const module = new ControlNeXtModel({ out_channels: [8], groups: [2] });
    expect(() => withParameters(module, toTensors(initialize(module, 1)), () => module.forward(tf.zeros(image), tf.zeros(t)))).toThrow(
      expect.objectContaining({ code: 'invalid-input' }),
    );
  });

  it.each<[object, RegExp]>([
    [{ outchannels: [8] }, /outchannels: unknown key \(known: time_embed_dim, stem/],
    [{ stem: 'wide' }, /stem: expected "padded" or "unpadded"/],
    [{ time_embed_dim: 1e12 }, /time_embed_dim: expected a whole number/],
    [{ out_channels: [], groups: [] }, /out_channels: expected a list/],
  ])('refuses %j by name', (config, message) => {
    expect(() => new ControlNeXtModel(config)).toThrow(message);
    expect(() => new ControlNeXtModel(config)).toThrow(expect.objectContaining({ name: 'ControlNeXtError', code: 'invalid-config' }));
  });

  it('refuses widths that the groups do not divide', () => {
    expect(() => new ControlNeXtModel({ out_channels: [128, 250] })).toThrow(/each dividing its width/);
    expect(() => new ControlNeXtModel({ groups: [4] })).toThrow(/as many groups/);
  });
});
