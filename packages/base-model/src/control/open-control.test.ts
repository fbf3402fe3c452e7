import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  cldm,
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
} from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { parameterSpecs, readConstant, readSafetensors, writeSafetensors, type Method } from '@controllab/core-blocks';
import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Base } from '../base.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { createSampler } from '../sampler/sampler.ts';
import { writeTinyCldm, writeTinyControlNet, writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { controlValueSpecs } from './control-values.ts';
import { openControl } from './open-control.ts';
import { methodMetadata, trainedMethod } from './trained-method.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'control-'));
const at = (...names: string[]): string => path.join(directory, ...names);
const engine = { threads: 1 };
let base: Base;

beforeAll(() => {
  writeTinyModel(at('model'));
  writeTinyControlNet(at('control'));
  writeTinyControlNet(at('xl-control'), { xl: true });
  writeTinyCldm(at('cldm.safetensors'));
  base = openCheckpoint(at('model'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const condition: HostTensor = { data: Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 7) / 7), shape: [1, 3, 32, 32] };

async function draw(file: string | null): Promise<Uint8Array> {
  const controls = file === null ? [] : [openControl(file, base)];
  const sampler = await createSampler(base, { count: 1, guidance: false, controls }, engine);
  const [image] = await sampler.sample({
    prompts: ['a cat'],
    seed: 1,
    steps: 2,
    guidanceScale: 1,
    conditions: controls.map(() => condition),
  });
  return image!.rgb;
}

const LAYER = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.weight';
/** The base with a LoRA of one layer, to each of whose weights it adds the number that is returned. */
function withLora(strength: number, name = LAYER): [base: Base, delta: number] {
  const { shape } = base.weights[name]!;
  const [outputs, ...inputs] = shape as [number, ...number[]];
  const ones = (...sides: number[]): HostTensor => ({ data: new Float32Array(sides.reduce((a, b) => a * b, 1)).fill(1), shape: sides });
  const layer = name.slice(0, -'.weight'.length);
  const up = ones(outputs, 1, ...inputs.slice(1).map(() => 1));
  writeSafetensors(at('lora.safetensors'), { [`${layer}.lora_A.weight`]: ones(1, ...inputs), [`${layer}.lora_B.weight`]: up });
  return [openCheckpoint(at('model'), { loras: [{ file: at('lora.safetensors'), weight: strength }] }), strength];
}

/** How far a tensor's values are at most from another's and a number more. */
function furthest(tensor: ConstantTensor, other: ConstantTensor, more: number): number {
  const [{ data }, { data: expected }] = [readConstant(tensor), readConstant(other)];
  return Float64Array.from(data, (value, i) => Math.abs(value - expected[i]! - more)).reduce((a, b) => Math.max(a, b), 0);
}

const prefixed = (prefix: string, tensors: Record<string, HostTensor>): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

/** A method's values for the base, as a finished training would write them. */
function writeTrained(file: string, method: Method, metadata: Record<string, string> = methodMetadata(method)): void {
  const control = method.create(base.denoiser().target);
  const specs = controlValueSpecs(base.denoiser({ extraInputs: control.extraInputs }), control);
  const unet = Object.fromEntries(
    Object.entries(base.weights).flatMap(([name, tensor]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), tensor]] : [])),
  );
  const initial = control.initial(unet, 1);
  const values = Object.fromEntries(Object.keys(specs).map((name) => [name, initial[name] ?? readConstant(base.weights[name]!)]));
  writeSafetensors(file, values, { metadata });
}

describe('a published ControlNet', () => {
  it.each(['control', 'cldm.safetensors'])('%s controls the base', async (name) => {
    const { control, weights } = openControl(at(name), base);
    expect(control).toMatchObject({ extraInputs: 0, trainsInBase: null });
    expect(Object.keys(weights).sort()).toEqual(Object.keys(controlValueSpecs(base.denoiser(), control)).sort());
    const own = control.initial({}, 0);
    expect(own['control.conv_in.bias']).toEqual(readConstant(weights['control.conv_in.bias']!));
    expect(await draw(at(name))).not.toEqual(await draw(null));
  });

  it('may be named by its file, beside which its config lies', () => {
    const [file, folder] = [at('control', 'diffusion_pytorch_model.safetensors'), at('control')].map((name) => openControl(name, base));
    expect(Object.keys(file!.weights)).toEqual(Object.keys(folder!.weights));
    // The hint encoder is not the published one's.
    expect(file!.weights['control.controlnet_cond_embedding.conv_in.weight']!.shape).toEqual([2, 3, 3, 3]);
    // A variant is the one that was named, not the one that its folder would open.
    fs.copyFileSync(at('control', 'diffusion_pytorch_model.safetensors'), at('control', 'diffusion_pytorch_model.fp16.safetensors'));
    const { weights } = openControl(at('control', 'diffusion_pytorch_model.fp16.safetensors'), base);
    expect(weights['control.conv_in.bias']).toMatchObject({ file: at('control', 'diffusion_pytorch_model.fp16.safetensors') });
    fs.rmSync(at('control', 'diffusion_pytorch_model.fp16.safetensors'));
  });

  it.each(['control_v11e_sd15_shuffle', 'control_v11e_sd15_shuffle_fp16'])('%s is refused, for its condition has to be pooled', (name) => {
    fs.copyFileSync(at('cldm.safetensors'), at(`${name}.safetensors`));
    expect(() => openControl(at(`${name}.safetensors`), base)).toThrow(
      new RegExp(`${name}\\.safetensors is by its name a ControlNet of shuffled pictures, .* which is not done`),
    );
  });

  it('of inpainting is refused by its name, as a file and as a folder', () => {
    fs.copyFileSync(at('cldm.safetensors'), at('control_v11p_sd15_inpaint_fp16.safetensors'));
    fs.cpSync(at('control'), at('control_v11p_sd15_inpaint'), { recursive: true });
    for (const name of ['control_v11p_sd15_inpaint_fp16.safetensors', 'control_v11p_sd15_inpaint'])
      expect(() => openControl(at(name), base)).toThrow(/by its name a ControlNet for inpainting, whose condition has -1/);
  });

  it("of inpainting is refused in Hugging Face's cache, and by the name that its config was saved under", () => {
    const snapshot = at('models--lllyasviel--control_v11p_sd15_inpaint', 'snapshots', 'a1b2c3');
    fs.cpSync(at('control'), snapshot, { recursive: true });
    for (const file of [snapshot, path.join(snapshot, 'diffusion_pytorch_model.safetensors')])
      expect(() => openControl(file, base)).toThrow(/by its name a ControlNet for inpainting/);
    fs.cpSync(at('control'), at('renamed'), { recursive: true });
    const config = at('renamed', 'config.json');
    const saved = JSON.parse(fs.readFileSync(config, 'utf8')) as object;
    fs.writeFileSync(config, JSON.stringify({ ...saved, _name_or_path: 'lllyasviel/control_v11p_sd15_inpaint' }));
    expect(() => openControl(at('renamed'), base)).toThrow(
      /config\.json describes a ControlNet for inpainting, .*\(_name_or_path lllyasviel/,
    );
  });

  it.each(['control_model.', ''])('is added to the base where it is a difference: %jinput_blocks', (prefix) => {
    const [whole, cldmFile] = [openControl(at('cldm.safetensors'), base).weights, readSafetensors(at('cldm.safetensors'))];
    const { stored } = cldm(base.denoiser().target.encoder as never);
    const tensors = Object.fromEntries(
      Object.entries(whole).map(([name, tensor]) => {
        const [place, own] = [stored(name.slice('control.'.length)).name, base.weights[name.replace('control.', 'unet.')]];
        const { data, shape } = readConstant(tensor);
        const start = own === undefined ? null : readConstant(own).data;
        const { shape: inFile } = cldmFile.header.get(`control_model.${place}`)!;
        expect(inFile).toEqual(shape);
        return [prefix + place, { data: Float32Array.from(data, (value, i) => value - (start?.[i] ?? 0)), shape }];
      }),
    );
    writeSafetensors(at('diff.safetensors'), { ...tensors, difference: { data: new Float32Array(0), shape: [0] } });
    // Of the base that it was trained from: LoRAs came later.
    for (const model of [base, withLora(3)[0]])
      for (const [name, tensor] of Object.entries(openControl(at('diff.safetensors'), model).weights))
        expect(furthest(tensor, whole[name]!, 0), name).toBeLessThan(1e-6);
  });

  it('is refused for another base, or another class', () => {
    expect(() => openControl(at('xl-control'), base)).toThrow(/made for another U-Net.*text of width 14.*text of width 8/s);
    expect(() => openControl(at('nowhere'), base)).toThrow(/no ControlNet at .*nowhere/);
    expect(() => openControl('lllyasviel/canny', base)).toThrow(/"hf download lllyasviel\/canny --local-dir canny"/);
    fs.cpSync(at('control'), at('adapter'), { recursive: true });
    const config = JSON.parse(fs.readFileSync(at('adapter', 'config.json'), 'utf8')) as object;
    fs.writeFileSync(at('adapter', 'config.json'), JSON.stringify({ ...config, _class_name: 'T2IAdapter' }));
    expect(() => openControl(at('adapter'), base)).toThrow(/describes a T2IAdapter \(a T2I-Adapter\); expected ControlNetModel/);
  });
});

describe('a file or folder that is no ControlNet for this base is named', () => {
  const one = { data: new Float32Array(1), shape: [1] };
  it.each<[string, string, RegExp]>([
    ['a Control-LoRA', 'lora_controlnet', /is no ControlNet but a Control-LoRA/],
    ['a ControlNet-LLLite', 'lllite_unet_input_blocks_4_1.conditioning1.0.weight', /but a ControlNet-LLLite/],
    ['a ControlNet-Union', 'control_model.task_embedding', /but a ControlNet-Union/],
    ['a T2I-Adapter', 'adapter.body.0.resnets.0.block1.weight', /but a T2I-Adapter/],
    ["a T2I-Adapter's first names", 'body.0.block1.weight', /but a T2I-Adapter/],
    ['an IP-Adapter', 'image_proj.proj.weight', /but an IP-Adapter/],
    ['a LoRA', 'lora_unet_x.lora_up.weight', /but a LoRA: give it with --lora/],
    ['a checkpoint', 'model.diffusion_model.input_blocks.0.0.weight', /but a checkpoint: give it with --model/],
    ['an autoencoder', 'first_stage_model.decoder.up.0.block.0.conv1.weight', /but an autoencoder: give it with --vae/],
    ['something else', 'weights.0', /is no ControlNet; its tensors are named weights\.0/],
  ])('%s', (_, name, message) => {
    writeSafetensors(at('other.safetensors'), { [name]: one });
    expect(() => openControl(at('other.safetensors'), base)).toThrow(message);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['shuffle', { global_pool_conditions: true }, /a ControlNet of shuffled pictures.*\(global_pool_conditions true\), which is not done/],
    ['one channel', { conditioning_channels: 1 }, /another kind of condition than an image of three channels/],
    ['a Union', { _class_name: 'ControlNetUnionModel' }, /ControlNetUnionModel \(a ControlNet-Union, of several conditions in one\)/],
    ['of SD3', { _class_name: 'SD3ControlNetModel' }, /a ControlNet of Stable Diffusion 3/],
    ['a base', { _class_name: 'UNet2DConditionModel' }, /the U-Net of a base model/],
  ])('by its config: %s', (_, change, message) => {
    fs.cpSync(at('control'), at('changed'), { recursive: true });
    const config = JSON.parse(fs.readFileSync(at('control', 'config.json'), 'utf8')) as object;
    fs.writeFileSync(at('changed', 'config.json'), JSON.stringify({ ...config, ...change }));
    expect(() => openControl(at('changed'), base)).toThrow(message);
    expect(() => openControl(at('changed', 'diffusion_pytorch_model.safetensors'), base)).toThrow(message);
  });

  it('a single file of another base, a folder of neither, a pickle', () => {
    const xl = openCheckpoint((writeTinyModel(at('xl'), { xl: true }), at('xl')));
    expect(() => openControl(at('cldm.safetensors'), xl)).toThrow(/made for another U-Net than that of xl\..*4 missing/s);
    fs.mkdirSync(at('folder'));
    fs.writeFileSync(at('folder', 'controlnext.bin'), '');
    expect(() => openControl(at('folder'), base)).toThrow(
      /neither config\.json.* nor controlnet\.safetensors.*\(it has controlnext\.bin\)/,
    );
    fs.writeFileSync(at('x.pth'), Buffer.from('PK\x03\x04\0\0\x08\x08', 'latin1'));
    expect(() => openControl(at('x.pth'), base)).toThrow(/PyTorch's pickled files/);
  });
});

describe("a ControlNet in cldm's layout", () => {
  it('may leave control_model. out', () => {
    const file = readSafetensors(at('cldm.safetensors'));
    const tensors = Object.fromEntries(file.names().map((name) => [name.replace('control_model.', ''), file.tensor(name)]));
    writeSafetensors(at('bare.safetensors'), tensors, { dtype: 'F16' });
    const [bare, whole] = ['bare.safetensors', 'cldm.safetensors'].map((name) => openControl(at(name), base).weights);
    expect(Object.keys(bare!)).toEqual(Object.keys(whole!));
    for (const [name, tensor] of Object.entries(bare!)) expect(readConstant(tensor)).toEqual(readConstant(whole![name]!));
  });
});

describe('a released ControlNeXt', () => {
  const TRAINED = /to_out/;
  type Tensors = Record<string, HostTensor>;
  /** A module of random values, and the base's own weights, each changed by a thousandth. */
  function released(): { module: Tensors; tuned: Tensors; increments: Tensors } {
    const { module, initial } = controlNeXt().create(base.denoiser().target);
    const values = initial({}, 3);
    const names = Object.keys(parameterSpecs(base.denoiser().unet)).filter((name) => TRAINED.test(name));
    const own = Object.fromEntries(names.map((name) => [name, readConstant(base.weights[`unet.${name}`]!)]));
    const changed = (change: (value: number, i: number) => number): Tensors =>
      Object.fromEntries(Object.entries(own).map(([name, { data, shape }]) => [name, { data: Float32Array.from(data, change), shape }]));
    return {
      module: Object.fromEntries(Object.keys(parameterSpecs(module)).map((name) => [name, values[`control.${name}`]!])),
      tuned: changed((value, i) => value + ((i % 5) - 2) * 2 ** -10),
      increments: changed((_, i) => ((i % 5) - 2) * 2 ** -10),
    };
  }
  const folder = (files: Record<string, Tensors>): string => {
    fs.rmSync(at('released'), { recursive: true, force: true });
    for (const [name, tensors] of Object.entries(files)) writeSafetensors(at('released', name), tensors);
    return at('released');
  };
  /** The base's U-Net in LDM's numbers, written out: input blocks conv_in, layer; middle; output blocks 0 to 3. */
  const inLdm = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [
        name
          .replace('down_blocks.0.attentions.0', 'input_blocks.1.1')
          .replace('mid_block.attentions.0', 'middle_block.1')
          .replace('up_blocks.1.attentions.0', 'output_blocks.2.1')
          .replace('up_blocks.1.attentions.1', 'output_blocks.3.1'),
        tensor,
      ]),
    );

  it('is one control, whether it was released as weights or increments, in whichever names', async () => {
    const { module, tuned, increments } = released();
    const method = controlNeXt();
    const values = { ...prefixed('control.', module), ...prefixed('unet.', tuned) };
    writeSafetensors(at('here.safetensors'), values, { metadata: methodMetadata(method) });
    const expected = await draw(at('here.safetensors'));
    expect(expected).not.toEqual(await draw(null));
    const releases: Record<string, Tensors>[] = [
      { 'controlnet.safetensors': module, 'unet.safetensors': tuned },
      { 'controlnet.safetensors': module, 'unet.safetensors': increments },
      { 'controlnext.safetensors': module, 'unet_weight_increasements.safetensors': increments },
      { 'controlnet.safetensors': module, 'unet.safetensors': inLdm(tuned) },
    ];
    for (const files of releases) {
      const { weights } = openControl(folder(files), base);
      for (const [name, { data }] of Object.entries(prefixed('unet.', tuned)))
        readConstant(weights[name]!).data.forEach((value, i) => expect(value).toBeCloseTo(data[i]!, 6));
      expect(await draw(at('released'))).toEqual(expected);
      expect(await draw(at('released', Object.keys(files)[0]!))).toEqual(expected);
    }
  });

  it('is tuned from the base without its LoRAs, which are added to it', () => {
    const { module, tuned, increments } = released();
    const [adapted, delta] = withLora(100);
    expect(readConstant(adapted.weights[LAYER]!).data[0]).toBeCloseTo(readConstant(base.weights[LAYER]!).data[0]! + delta, 4);
    for (const unet of [tuned, increments]) {
      const { weights } = openControl(folder({ 'controlnet.safetensors': module, 'unet.safetensors': unet }), adapted);
      for (const [name, tensor] of Object.entries(prefixed('unet.', tuned)))
        expect(furthest(weights[name]!, tensor, name === LAYER ? delta : 0), name).toBeLessThan(1e-4);
    }
  });

  it("is weights where its file's name says whose names they have", () => {
    const { module, tuned } = released();
    const { weights } = openControl(folder({ 'controlnet.safetensors': module, 'unet_diffusers.safetensors': tuned }), base);
    for (const [name, { data }] of Object.entries(prefixed('unet.', tuned))) expect(readConstant(weights[name]!).data).toEqual(data);
  });

  it('has the module that the paper counts behind the middle block', () => {
    const { tuned } = released();
    const { module, initial } = controlNeXt({ legacy: true }).create(base.denoiser().target);
    const values = initial({}, 3);
    const legacy = Object.fromEntries(Object.keys(parameterSpecs(module)).map((name) => [name, values[`control.${name}`]!]));
    const { control } = openControl(folder({ 'controlnet.safetensors': legacy, 'unet.safetensors': tuned }), base);
    expect(Object.keys(parameterSpecs(control.module)).sort()).toEqual(Object.keys(legacy).sort());
  });

  it.each<[string, (parts: ReturnType<typeof released>) => Record<string, Tensors>, RegExp]>([
    [
      'its part of the U-Net is not there',
      ({ module }) => ({ 'controlnet.safetensors': module }),
      /ControlNeXt .* lacks what it trained in the U-Net/,
    ],
    [
      'there are two',
      ({ module, tuned, increments }) => ({
        'controlnet.safetensors': module,
        'unet.safetensors': tuned,
        'unet_diff.safetensors': increments,
      }),
      /several files that may be what it trained in the U-Net of a ControlNeXt: unet\.safetensors, unet_diff\.safetensors/,
    ],
    [
      'it is of another U-Net',
      ({ module }) => ({
        'controlnet.safetensors': module,
        'unet.safetensors': { 'down_blocks.7.to_out.0.weight': { data: new Float32Array(1), shape: [1] } },
      }),
      /trained in another U-Net than that of model:\s+the U-Net has no down_blocks\.7/,
    ],
    [
      'its module is of another width',
      ({ module, tuned }) => ({
        'controlnet.safetensors': { ...module, 'mid_convs.1.weight': { data: new Float32Array(320 * 256), shape: [320, 256, 1, 1] } },
        'unet.safetensors': tuned,
      }),
      /ControlNeXt .* was made for another base than model.*mid_convs\.1\.weight: expected \[8, 256, 1, 1\], found \[320/s,
    ],
    [
      'it makes video',
      ({ module, tuned }) => ({
        'controlnet.safetensors': { ...module, scale: { data: Float32Array.of(1), shape: [] } },
        'unet.safetensors': tuned,
      }),
      /is a ControlNeXt of Stable Video Diffusion/,
    ],
  ])('is refused where %s', (_, files, message) => {
    expect(() => openControl(folder(files(released())), base)).toThrow(message);
  });
});

describe('a control trained here', () => {
  it.each([
    controlNet({ connection: 'gaussian' }),
    controlNet({ onlyMid: true, jointRate: 0.1 }),
    controlNet({ jointRate: 0.1, trains: /to_out/ }),
    controlNetMlp(),
    ldmConcatenation(),
    ldmConcatenation({ condition: 'resized' }),
    controlNetLite(),
    controlNet({ conditionEncoder: 'autoencoder' }),
    controlNet({ levels: 1 }),
    controlNetXs({ ratio: 0.5 }),
    controlLora(),
    t2iAdapter(),
    piti(),
  ])('$id is what its metadata says, with what it trained in the base', async (method) => {
    const file = at(`${method.id}.safetensors`);
    writeTrained(file, method);
    const made = method.create(base.denoiser().target);
    const { control, weights } = openControl(file, base);
    expect({ extraInputs: control.extraInputs, trainsInBase: control.trainsInBase }).toEqual({
      extraInputs: made.extraInputs,
      trainsInBase: made.trainsInBase,
    });
    const inBase = Object.keys(weights).filter((name) => name.startsWith('unet.'));
    expect(inBase.length > 0).toBe(made.trainsInBase !== null);
    expect(inBase.every((name) => made.trainsInBase!.test(name.slice('unet.'.length)))).toBe(true);
    const [image, plain] = [await draw(file), await draw(null)];
    // Zero convolutions and a widened input of zeros change nothing before training.
    if (['controlnet-gaussian', 't2i-adapter', 'piti'].includes(method.id)) expect(image).not.toEqual(plain);
    else image.forEach((value, i) => expect(Math.abs(value - plain[i]!)).toBeLessThanOrEqual(1));
  });

  it.each([
    controlNeXt(),
    controlNeXt({ legacy: true }),
    controlNeXt({ point: 'mid_block', gain: 0.5, trains: /to_out/i, normalization: 'zero-convolution' }),
    controlNeXt({ trains: 'none' }),
    ldmConcatenation({ base: 'random' }),
    ldmConcatenation({ base: 'random', condition: 'resized' }),
    controlNet({ conditionRange: 'signed', levels: 2 }),
    controlNetXs({ ratio: 0.25 }),
    controlLora({ rank: 8 }),
    piti({ jointRate: 0.1 }),
  ])('$id is made again with its choices', (method) => {
    const again = trainedMethod('file', methodMetadata(method));
    expect({ id: again.id, config: again.config }).toEqual({ id: method.id, config: method.config });
  });

  it('has the LoRAs of the base added to what it trained there', () => {
    const trained = at('trained.safetensors');
    writeTrained(trained, controlNeXt({ trains: /to_out/ }));
    const [adapted, delta] = withLora(2);
    const before = openControl(trained, base).weights;
    for (const [name, tensor] of Object.entries(openControl(trained, adapted).weights))
      expect(furthest(tensor, before[name]!, name === LAYER ? delta : 0), name).toBeLessThan(1e-5);
    writeTrained(trained, ldmConcatenation());
    expect(() => openControl(trained, withLora(2, 'unet.conv_in.weight')[0])).toThrow(
      /lora\.safetensors changes unet\.conv_in\.weight, and a control brings it as \[8, 8, 3, 3\] in place of the base's \[8, 4, 3, 3\]/,
    );
  });

  it('is a ControlNet where its metadata names no method', () => {
    writeTrained(at('old.safetensors'), controlNet(), { variant: 'proposed' });
    expect(openControl(at('old.safetensors'), base).control.trainsInBase).toBeNull();
  });

  it('is refused when it does not fit, is damaged or of a method nobody knows', () => {
    writeTrained(at('odd.safetensors'), controlNet(), { method: 'hypernetwork' });
    expect(() => openControl(at('odd.safetensors'), base)).toThrow(/method "hypernetwork"; known are controlnet, .*controlnext and their/);
    const choices = { method: 'controlnet-mid', method_config: JSON.stringify(controlNet().config) };
    writeTrained(at('choices.safetensors'), controlNet(), choices);
    expect(() => openControl(at('choices.safetensors'), base)).toThrow(/controlnet-mid.*"controlnet" with .* would be made/);
    writeTrained(at('wrong.safetensors'), controlNet(), { method: 'ldm-concatenation' });
    expect(() => openControl(at('wrong.safetensors'), base)).toThrow(
      /wrong\.safetensors: its values for model do not fit:\s+control\.conv_in\.weight: expected .*missing control\.blocks\.0\.weight.*and \d+ more/s,
    );
    const bytes = fs.readFileSync(at('old.safetensors'));
    bytes[bytes.length - 1]! ^= 1;
    fs.writeFileSync(at('damaged.safetensors'), bytes);
    expect(() => openControl(at('damaged.safetensors'), base)).toThrow(/damaged/);
  });
});
