import { describe, expect, it } from 'vitest';
import {
  countParameters,
  initialize,
  UNet2DConditionModel,
  withParameters,
  type ControlTarget,
  type UNet2DConditionConfig,
  type UNetEncoderConfig,
} from '@controllab/core-blocks';
import { normal, uniform } from '@controllab/data';
import { compile } from '@controllab/tfjs-onnx';
import { controlNeXt } from './controlnext-method.ts';

/** The embedded default's first level is 64 channels wide: what the module's features are added to. */
const config: UNet2DConditionConfig = {
  block_out_channels: [64, 64],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const encoder = Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'up_block_types')) as unknown as UNetEncoderConfig;
const target: ControlTarget = { family: 'mini', factor: 4, video: false, encoder };

async function predict(strength: number | null | undefined): Promise<Float32Array> {
  const unet = new UNet2DConditionModel(config);
  const control = strength === null ? null : controlNeXt().create(target);
  const constants = { ...initialize(unet, 1, 'unet'), ...control?.initial({}, 2) };
  const inputs = {
    sample: { data: normal(3, 'sample', 0, 256), shape: [1, 4, 8, 8] },
    timesteps: { data: Float32Array.of(300), shape: [1] },
    context: { data: normal(3, 'context', 0, 40), shape: [1, 5, 8] },
    condition: { data: uniform(3, 'condition', 0, 3 * 1024), shape: [1, 3, 32, 32] },
  };
  const compiled = await compile(
    ({ inputs: t, constants: frozen }) =>
      withParameters({ unet, ...(control === null ? {} : { control: control.module }) }, frozen, () => ({
        outputs: { v: unet.forward(t['sample']!, t['timesteps']!, t['context']!, control?.apply(t, strength ?? undefined) ?? {}) },
      })),
    { inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])), constants },
    { threads: 1 },
  );
  const { v } = await compiled.run(inputs);
  await compiled.release();
  return v!.data as Float32Array;
}

describe('controlNeXt', () => {
  it('acts from the first step, as cross normalisation does, and not at strength 0', async () => {
    const base = await predict(null);
    expect(await predict(undefined)).not.toEqual(base);
    // Another graph, fused otherwise: equal but for rounding.
    (await predict(0)).forEach((x, i) => expect(x).toBeCloseTo(base[i]!, 5));
    expect(await predict(1)).toEqual(await predict(undefined));
  });

  it('trains the output projections of the base beside its module, at a tenth of the rate on the embedded default', () => {
    const { trainsInBase, baseRate, module } = controlNeXt().create(target);
    expect([trainsInBase!.test('mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.weight'), baseRate]).toEqual([true, 0.1]);
    expect(countParameters(module)).toBeLessThan(1_500_000);
  });

  it('has the released recipe of each family, and refuses others by name', () => {
    const of = (family: string, legacy = false) => controlNeXt({ legacy }).create({ ...target, family, factor: 8 });
    expect(countParameters(of('sd15').module)).toBe(3_526_400);
    expect(countParameters(of('sdxl', true).module)).toBe(5_353_351);
    expect(of('sdxl').trainsInBase!.test('attn1.to_out.0.weight')).toBe(false);
    expect(() => of('pixart')).toThrow("ControlNeXt has no recipe for 'pixart'; it has for sd15, sd21, sdxl, svd, mini");
    expect(() => of('mini', true)).toThrow(/legacy module has no recipe for 'mini'/);
  });
});
