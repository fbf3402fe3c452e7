import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { writeSafetensors, type Weights } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { mergeLoras } from './merge-lora.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lora-'));
const at = (...names: string[]): string => path.join(directory, ...names);
beforeAll(() => {
  writeTinyModel(at('sd1'));
  writeTinyModel(at('xl'), { xl: true });
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const tensor = (shape: number[], ...values: number[]): HostTensor => ({ data: Float32Array.from(values), shape });
function file(name: string, tensors: Record<string, HostTensor>, metadata: Record<string, string> = {}): string {
  writeSafetensors(at(name), tensors, { metadata });
  return at(name);
}

// Of a base: a linear layer, a convolution, a layer of the text encoder, one that no file here names.
const BASE: Weights = {
  'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight': tensor([2, 2], 1, 2, 3, 4),
  'unet.mid_block.resnets.0.conv1.weight': tensor([1, 2, 1, 2], 0, 0, 0, 0),
  'unet.down_blocks.0.resnets.0.conv1.weight': tensor([1, 1, 1, 1], 5),
  'text.text_encoder.text_model.encoder.layers.0.mlp.fc1.weight': tensor([2, 1], 1, 1),
};
const QUERY = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight';
const KOHYA = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
const half = { down: tensor([1, 2], 10, 100), up: tensor([2, 1], 1, 2) };
const values = (weights: Weights, name: string): number[] => [...(weights[name] as HostTensor).data];
const mergedWith = (lora: string, weight = 1): Weights => mergeLoras(BASE, [{ file: lora, weight }]);

describe('a LoRA', () => {
  it('is added times weight and alpha over rank, layer by layer', () => {
    const lora = file('kohya.safetensors', {
      [`${KOHYA}.lora_down.weight`]: tensor([2, 2], 10, 100, 0, 0),
      [`${KOHYA}.lora_up.weight`]: tensor([2, 2], 1, 0, 2, 0),
      [`${KOHYA}.alpha`]: tensor([], 4),
      'lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight': tensor([1, 1], 3),
      'lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight': tensor([2, 1], 1, -1),
    });
    // alpha 4 over rank 2, times 0.5: B A once. Without alpha: 0.5.
    const merged = mergedWith(lora, 0.5);
    expect(values(merged, QUERY)).toEqual([11, 102, 23, 204]);
    expect(values(merged, 'text.text_encoder.text_model.encoder.layers.0.mlp.fc1.weight')).toEqual([2.5, -0.5]);
    expect(merged['unet.down_blocks.0.resnets.0.conv1.weight']).toBe(BASE['unet.down_blocks.0.resnets.0.conv1.weight']);
    expect(values(BASE, QUERY)).toEqual([1, 2, 3, 4]);
  });

  it('adds to others, and takes itself back with a negative weight', () => {
    const lora = file('twice.safetensors', { [`${KOHYA}.lora_down.weight`]: half.down, [`${KOHYA}.lora_up.weight`]: half.up });
    expect(
      values(
        mergeLoras(
          BASE,
          [1, 0.5, -1.5].map((weight) => ({ file: lora, weight })),
        ),
        QUERY,
      ),
    ).toEqual([1, 2, 3, 4]);
  });

  it('has a middle part in convolutions (LoCon)', () => {
    const layer = 'lora_unet_mid_block_resnets_0_conv1';
    const lora = file('locon.safetensors', {
      [`${layer}.lora_down.weight`]: tensor([1, 2, 1, 1], 1, 10),
      [`${layer}.lora_mid.weight`]: tensor([2, 1, 1, 2], 1, 2, 3, 4),
      [`${layer}.lora_up.weight`]: tensor([1, 2, 1, 1], 1, 100),
      [`${layer}.alpha`]: tensor([], 1),
    });
    // Middle behind up: [301, 402]; for each input times 1 and 10.
    expect(values(mergedWith(lora), 'unet.mid_block.resnets.0.conv1.weight')).toEqual([301, 402, 3010, 4020]);
  });

  it.each([
    ['peft, whole', `${QUERY.slice('unet.'.length, -'.weight'.length)}.lora_A.weight`, '.lora_A.weight', '.lora_B.weight'],
    ["LDM's numbers", 'lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.lora_down.weight', 'lora_down', 'lora_up'],
    ["ComfyUI's file", 'diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.lora_down.weight', 'lora_down', 'lora_up'],
    [
      'attention processors',
      'unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight',
      'lora.down',
      'lora.up',
    ],
  ])('is found in the names of %s', (_, down, from, to) => {
    const lora = file('named.safetensors', { [down]: half.down, [down.replace(from, to)]: half.up });
    expect(values(mergedWith(lora), QUERY)).toEqual([11, 102, 23, 204]);
  });

  it('has its alpha in the metadata that diffusers writes', () => {
    const tensors = { [QUERY.replace('weight', 'lora_A.weight')]: half.down, [QUERY.replace('weight', 'lora_B.weight')]: half.up };
    const scaled = (config: object) =>
      values(mergedWith(file('meta.safetensors', tensors, { lora_adapter_metadata: JSON.stringify(config) })), QUERY)[0];
    expect(scaled({ 'unet.lora_alpha': 2 })).toBe(21);
    expect(scaled({ 'unet.lora_alpha': 2, 'unet.alpha_pattern': { 'attn1.to_q': 3 } })).toBe(31);
    expect(() => scaled({ 'unet.use_dora': true })).toThrow(/says DoRA \(use_dora true\), which is not done/);
    expect(() => scaled({ 'unet.lora_alpha': 'x' })).toThrow(/has "x" for lora_alpha, expected a number/);
  });

  it('has the alpha of a layer by regular expressions of its name', () => {
    const tensors = { [QUERY.replace('weight', 'lora_A.weight')]: half.down, [QUERY.replace('weight', 'lora_B.weight')]: half.up };
    const scaled = (config: object) =>
      values(mergedWith(file('meta.safetensors', tensors, { lora_adapter_metadata: JSON.stringify(config) })), QUERY)[0];
    const pattern = (alpha_pattern: unknown) => scaled({ 'unet.lora_alpha': 2, 'unet.alpha_pattern': alpha_pattern });
    expect(pattern({ 'mid_block\\.attentions\\.\\d\\..*\\.to_[qk]': 3 })).toBe(31);
    expect(pattern({ 'down_blocks.*to_q': 3 })).toBe(21);
    // The end of a name, but not of a word in it.
    expect(pattern({ o_q: 3 })).toBe(21);
    expect(() => pattern({ 'to_(q': 3 })).toThrow(/the pattern "to_\(q" in alpha_pattern, which is no regular expression/);
    expect(() => pattern({ '(a+)+': 3 })).toThrow(/"\(a\+\)\+" in alpha_pattern, which repeats a group: it may take for ever/);
    expect(() => pattern(['to_q'])).toThrow(/has \["to_q"\] for alpha_pattern, expected an object of layers/);
    expect(scaled({ lora_alpha: 3 })).toBe(1 + 10);
  });

  it.each([
    ['a LoHa', { [`${KOHYA}.hada_w1_a`]: half.down }, /is a LoHa \(Hadamard products\), which is not done/],
    ['a LoKr', { [`${KOHYA}.lokr_w1`]: half.down }, /is a LoKr/],
    ['a DoRA', { [`${KOHYA}.dora_scale`]: half.down }, /is a DoRA/],
    ['one of FLUX', { 'lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight': half.down }, /of a transformer \(FLUX, SD3\)/],
    ['no LoRA', { 'conv_in.weight': half.down }, /is no LoRA: conv_in\.weight is no part of one/],
    ['another network', { 'lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight': half.down }, /no layer lora_te2_text_model/],
    ['half a layer', { [`${KOHYA}.lora_down.weight`]: half.down }, /lacks its up half/],
    [
      'another width',
      { [`${KOHYA}.lora_down.weight`]: tensor([1, 3], 1, 2, 3), [`${KOHYA}.lora_up.weight`]: half.up },
      /whose unet\.mid_block.*is \[2, 2\]: .*\[1, 3\].*It was made for another one/,
    ],
    [
      'ranks that differ',
      { [`${KOHYA}.lora_down.weight`]: tensor([2, 2], 1, 2, 3, 4), [`${KOHYA}.lora_up.weight`]: half.up },
      /does not fit the base/,
    ],
  ])('is refused by name: %s', (_, tensors, message) =>
    expect(() => mergedWith(file('refused.safetensors', tensors as Record<string, HostTensor>))).toThrow(message),
  );
});

describe("a LoRA in peft's folder", () => {
  const NAME = `base_model.model.${QUERY.slice('unet.'.length, -'.weight'.length)}`;
  const TEXT = 'text.text_encoder.text_model.encoder.layers.0.mlp.fc1.weight';
  const four = { down: tensor([4, 2], 10, 100, 0, 0, 0, 0, 0, 0), up: tensor([2, 4], 1, 0, 0, 0, 2, 0, 0, 0) };
  const folder = (config: unknown, tensors: Record<string, HostTensor>, name = 'adapter_model.safetensors'): string => {
    fs.rmSync(at('adapter'), { recursive: true, force: true });
    file(path.join('adapter', name), tensors);
    if (config !== undefined)
      fs.writeFileSync(at('adapter', 'adapter_config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    return at('adapter');
  };
  const layer = ({ down, up } = four) => ({ [`${NAME}.lora_A.weight`]: down, [`${NAME}.lora_B.weight`]: up });
  const scaled = (config: unknown, tensors = layer()): number => (values(mergedWith(folder(config, tensors)), QUERY)[0]! - 1) / 10;

  it('is as strong as its adapter_config.json says, by folder or by file', () => {
    expect(scaled({ r: 4, lora_alpha: 8 })).toBe(2);
    expect(values(mergedWith(at('adapter', 'adapter_model.safetensors')), QUERY)[0]).toBe(21);
    expect(scaled({ r: 4, lora_alpha: 8, use_rslora: true })).toBe(4);
    expect(scaled({ r: 4, lora_alpha: 8, alpha_pattern: { '.*attn1\\.to_q': 12 }, rank_pattern: null })).toBe(3);
    expect(scaled({ r: 2, lora_alpha: 8, rank_pattern: { to_q: 4 } })).toBe(2);
    // What peft takes where the config leaves it out.
    expect(scaled({ peft_type: 'LORA', r: 4 })).toBe(2);
  });

  it('may adapt the text encoder', () => {
    const name = 'base_model.model.text_model.encoder.layers.0.mlp.fc1';
    const lora = folder(
      { r: 1, lora_alpha: 2 },
      { [`${name}.lora_A.weight`]: tensor([1, 1], 3), [`${name}.lora_B.weight`]: tensor([2, 1], 1, -1) },
    );
    expect(values(mergedWith(lora), TEXT)).toEqual([7, -5]);
  });

  it('is told how to be had where it is named as on the Hub', () => {
    expect(() => mergedWith(at('nowhere'))).toThrow(/^There is no LoRA at \S*nowhere\.$/);
    expect(() => mergedWith('latent-consistency/lcm')).toThrow(/"hf download latent-consistency\/lcm --local-dir lcm"/);
  });

  it("may be diffusers', which needs no config", () => {
    const named = { [`unet.${NAME.slice('base_model.model.'.length)}.lora_A.weight`]: half.down };
    const tensors = { ...named, ...Object.fromEntries(Object.keys(named).map((key) => [key.replace('lora_A', 'lora_B'), half.up])) };
    expect(values(mergedWith(folder(undefined, tensors, 'pytorch_lora_weights.safetensors')), QUERY)[0]).toBe(11);
  });

  it.each<[string, () => string, RegExp]>([
    [
      'no file of a LoRA',
      () => folder({ r: 4 }, layer(), 'weights.safetensors'),
      /holds neither adapter_model\.safetensors nor pytorch_lora_weights\.safetensors \(it has adapter_config\.json, weights\.safetensors\)/,
    ],
    [
      'both',
      () => {
        const both = folder({ r: 4 }, layer());
        fs.copyFileSync(path.join(both, 'adapter_model.safetensors'), path.join(both, 'pytorch_lora_weights.safetensors'));
        return both;
      },
      /holds both adapter_model\.safetensors and pytorch_lora_weights\.safetensors: name the one that is meant/,
    ],
    [
      'no config',
      () => folder(undefined, layer()),
      /has peft's names .* and nothing says its alpha: peft writes it into adapter_config\.json/,
    ],
    ['a config cut short', () => folder('{"r": 4', layer()), /adapter_config\.json/],
    ['another rank', () => folder({ r: 8, lora_alpha: 8 }, layer()), /says rank 8 for mid_block.*to_q, whose tensors have 4/],
    ['DoRA', () => folder({ r: 4, use_dora: true }, layer()), /says DoRA \(use_dora true\), which is not done/],
    ['another adapter', () => folder({ peft_type: 'LOHA' }, layer()), /another adapter than a LoRA \(peft_type "LOHA"\)/],
    [
      'a start out of the base',
      () => folder({ r: 4, init_lora_weights: 'pissa_niter_16' }, layer()),
      /a start that changes the base's own weights \(init_lora_weights "pissa_niter_16"\)/,
    ],
    ['a word for a flag', () => folder({ r: 4, use_rslora: 'yes' }, layer()), /has "yes" for use_rslora, expected true or false/],
    ['a text for a number', () => folder({ r: 4, lora_alpha: '8' }, layer()), /has "8" for lora_alpha, expected a number/],
  ])('is refused by name with %s', (_, make, message) => expect(() => mergedWith(make())).toThrow(message));
});

describe('a checkpoint with a LoRA', () => {
  it('keeps merged weights in a file, and has another hash', () => {
    const layer = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
    const plain = openCheckpoint(at('sd1'));
    const { shape } = plain.weights['unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight']!;
    const ones = (...sides: number[]) => tensor(sides, ...Array<number>(sides.reduce((a, b) => a * b)).fill(0.5));
    const lora = file('base.safetensors', {
      [`${layer}.lora_down.weight`]: ones(1, shape[1]!),
      [`${layer}.lora_up.weight`]: ones(shape[0]!, 1),
    });
    const base = openCheckpoint(at('sd1'), { loras: [{ file: lora, weight: 1 }] });
    expect(Object.values(base.weights).every((weight) => 'file' in weight)).toBe(true);
    expect(base.hashes['unet']).not.toBe(plain.hashes['unet']);
    expect(base.hashes['text']).toBe(plain.hashes['text']);
    expect(() => openCheckpoint(at('sd1'), { loras: [{ file: lora, weight: Number.NaN }] })).toThrow(/expected a number for its weight/);
  });
});
