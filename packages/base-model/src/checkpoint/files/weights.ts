import fs from 'node:fs';
import {
  AutoencoderKL,
  externalStateDict,
  inLayout,
  ldmText,
  ldmUNet,
  ldmVae,
  openWeights,
  readSafetensors,
  transformersText,
  UNet2DConditionModel,
  vaeFile,
  type Layout,
  type Module,
  type SafetensorsFile,
  type TensorSource,
  type Weights,
} from '@controllab/core-blocks';
import { isExternal } from '@controllab/tfjs-onnx';
import type { Base } from '../../base.ts';
import { BaseModelError } from '../../errors.ts';
import { loraUpdates, type LoraRequest } from '../../lora/merge-lora.ts';
import { missingFile } from '../../missing-file.ts';
import { TextEncoders } from '../text-encoders.ts';
import { componentDirectory, isXl, purpose, vaeDirectory, type Configs } from './configs.ts';
import { fileKind, type FileKind } from './file-kind.ts';
import { scratchFile } from './scratch-file.ts';

/** Where the weights of a component come from. `index`: of a text encoder. */
interface WeightSource {
  unet(module: Module): Weights;
  text(module: Module, index: number): Weights;
  vae(module: Module): Weights;
}

const prefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${prefix}.${name}`, tensor]));

const placed = (file: TensorSource, module: Module, layout: Layout): Weights => externalStateDict(module, inLayout(file, module, layout));

/** A diffusers directory; `vae` replaces its autoencoder. */
export function directoryWeights(directory: string, configs: Configs, vae: string | null): WeightSource {
  const open = (component: string): TensorSource => openWeights(componentDirectory(directory, component));
  return {
    unet: (module) => externalStateDict(module, open('unet')),
    text: (module, index) => {
      const file = open(index === 0 ? 'text_encoder' : `text_encoder_${index + 1}`);
      return placed(file, module, transformersText(file));
    },
    vae: (module) => vaeWeights(vae ?? componentDirectory(directory, 'vae'), configs, module),
  };
}

/** An autoencoder of its own: a diffusers directory, or a file in LDM's or diffusers' names. */
function vaeWeights(vae: string, configs: Configs, module: Module): Weights {
  if (!fs.existsSync(vae)) throw new BaseModelError('invalid-model', missingFile('autoencoder', vae), { vae });
  const file = fs.statSync(vae).isDirectory() ? openWeights(vaeDirectory(vae)) : readSafetensors(vae);
  const kind = fileKind([...file.header.keys()]);
  if (kind !== null && kind.kind !== 'vae' && kind.kind !== 'checkpoint')
    throw new BaseModelError('invalid-model', `${vae} is ${kind.words}, not an autoencoder.`, { vae });
  return placed(file, module, vaeFile(file, configs.vae));
}

/** An LDM single file; `vae` replaces its autoencoder. @throws BaseModelError invalid-model naming what the file is, or lacks */
export function fileWeights(file: SafetensorsFile, config: string, configs: Configs, vae: string | null): WeightSource {
  checkFile(file, config, configs, vae);
  return {
    unet: (module) => placed(file, module, ldmUNet(configs.unet)),
    text: (module, index) => placed(file, module, ldmText(file, index, index === 0 ? configs.text : configs.text2!)),
    vae: (module) => (vae === null ? placed(file, module, ldmVae(configs.vae)) : vaeWeights(vae, configs, module)),
  };
}

/** What to do with files that are given as a model and are none. */
const INSTEAD: Partial<Record<FileKind['kind'], string>> = {
  controlnet: 'give it with --controlnet',
  controlnext: 'give it with --controlnet',
  'trained-control': 'give it with --controlnet',
  vae: 'give it with --vae',
  lora: 'give it with --lora FILE:WEIGHT',
};

function checkFile({ file, header }: SafetensorsFile, config: string, { unet }: Configs, vae: string | null): void {
  const all = [...header.keys()];
  const refuse = (message: string): never => {
    throw new BaseModelError('invalid-model', `${file} ${message}.`, { file, names: all.slice(0, 10) });
  };
  const kind = fileKind(all);
  if (kind !== null && kind.kind !== 'checkpoint') refuse(`is ${kind.words}: ${INSTEAD[kind.kind] ?? 'it cannot be drawn with by itself'}`);
  const lacks = (pattern: RegExp): boolean => !all.some((name) => pattern.test(name));
  if (lacks(/^model\.diffusion_model\./)) return; // the loader names what is there
  const channels = header.get('model.diffusion_model.input_blocks.0.0.weight')?.shape[1];
  const expected = unet.in_channels ?? 4;
  if (channels !== undefined && channels !== expected && channels > 4)
    refuse(`takes ${channels} channels, the configs in ${config} say ${expected}: it is ${purpose(channels)}`);
  const width = [...header].find(([name]) => name.endsWith('.attn2.to_k.weight'))?.[1].shape[1];
  const size = header.has('model.diffusion_model.label_emb.0.0.weight');
  if ((typeof unet.cross_attention_dim === 'number' && width !== undefined && width !== unet.cross_attention_dim) || size !== isXl(unet))
    refuse(
      `is of another base than the configs in ${config}: it reads text of width ${width}${size ? ' and sizes' : ''}, they describe ${String(unet.cross_attention_dim)}${isXl(unet) ? ' and sizes' : ''} (SD1 has 768, SD2 1024, SDXL 2048 and sizes)`,
    );
  if (vae === null && lacks(/^first_stage_model\./))
    refuse(`holds no autoencoder (first_stage_model.*): name one with --vae, a file or a diffusers folder such as ${config}/vae`);
  if (lacks(/^(cond_stage_model|conditioner)\./))
    refuse('holds no text encoder (cond_stage_model.* or conditioner.*): it is a U-Net and autoencoder alone');
}

/** Bytes of tensors that may stay on the host: ONNX holds 2 GB of constants, and memory other things. */
const MAX_ON_HOST = 2 ** 28;

/** Tensors that had to be read for their values (doubles), in a file once they are many. */
function inFiles(weights: Weights, keep: ReturnType<typeof scratchFile>): Weights {
  const onHost = Object.entries(weights).flatMap(([name, tensor]) => (isExternal(tensor) ? [] : [[name, tensor] as const]));
  if (onHost.reduce((sum, [, { data }]) => sum + data.byteLength, 0) <= MAX_ON_HOST) return weights;
  return { ...weights, ...Object.fromEntries(onHost.map(([name, tensor]) => [name, keep(tensor)])) };
}

/** All weights of a checkpoint, under `unet.`, `text.` and `vae.`, with LoRAs merged in. */
export function readWeights(configs: Configs, source: WeightSource, loras: readonly LoraRequest[]): Pick<Base, 'weights' | 'adapted'> {
  const encoders = new TextEncoders(configs.text, configs.text2).encoders();
  const read: Weights = Object.assign(
    {},
    prefixed('unet', source.unet(new UNet2DConditionModel(configs.unet))),
    ...encoders.map(({ name, module }, i) => prefixed(`text.${name}`, source.text(module, i))),
    prefixed('vae', source.vae(new AutoencoderKL(configs.vae))),
  );
  const keep = scratchFile();
  const plain = inFiles(read, keep);
  if (loras.length === 0) return { weights: plain };
  const apply = loraUpdates(plain, loras, keep);
  return { weights: apply(plain), adapted: { plain, apply } };
}
