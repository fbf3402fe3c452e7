import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { controlNet, controlNetLite, ldmConcatenation } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { readConstant, writeSafetensors, type Method } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
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

  it('is refused for another base, or another class', () => {
    expect(() => openControl(at('xl-control'), base)).toThrow(/made for another U-Net.*text of width 14.*text of width 8/s);
    expect(() => openControl(at('nowhere'), base)).toThrow(/no ControlNet at .*nowhere/);
    fs.cpSync(at('control'), at('adapter'), { recursive: true });
    const config = JSON.parse(fs.readFileSync(at('adapter', 'config.json'), 'utf8')) as object;
    fs.writeFileSync(at('adapter', 'config.json'), JSON.stringify({ ...config, _class_name: 'T2IAdapter' }));
    expect(() => openControl(at('adapter'), base)).toThrow(/describes a T2IAdapter; expected ControlNetModel/);
  });
});

describe('a control trained here', () => {
  it.each([controlNet({ connection: 'gaussian' }), controlNet({ onlyMid: true, jointRate: 0.1 }), ldmConcatenation(), controlNetLite()])(
    '$id is what its metadata says, with what it trained in the base',
    async (method) => {
      const file = at(`${method.id}.safetensors`);
      writeTrained(file, method);
      const made = method.create(base.denoiser().target);
      const { control, weights } = openControl(file, base);
      expect({ extraInputs: control.extraInputs, trainsInBase: control.trainsInBase }).toEqual({
        extraInputs: made.extraInputs,
        trainsInBase: made.trainsInBase,
      });
      expect('unet.conv_in.weight' in weights).toBe(made.trainsInBase !== null);
      const [image, plain] = [await draw(file), await draw(null)];
      // Zero convolutions and a widened input of zeros change nothing before training.
      if (method.id === 'controlnet-gaussian') expect(image).not.toEqual(plain);
      else image.forEach((value, i) => expect(Math.abs(value - plain[i]!)).toBeLessThanOrEqual(1));
    },
  );

  it.each([
    controlNeXt(),
    controlNeXt({ legacy: true }),
    controlNeXt({ point: 'mid_block', gain: 0.5, trains: /to_out/i, normalization: 'zero-convolution' }),
    controlNeXt({ trains: 'none' }),
  ])('$id is made again with its choices', (method) => {
    const again = trainedMethod('file', methodMetadata(method));
    expect({ id: again.id, config: again.config }).toEqual({ id: method.id, config: method.config });
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
