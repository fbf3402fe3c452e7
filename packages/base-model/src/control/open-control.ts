import fs from 'node:fs';
import path from 'node:path';
import { cldm, ControlNetModel, controlOfModel, type ControlNetConfig } from '@controllab/controlnet';
import {
  CoreBlocksError,
  encoderStates,
  externalStateDict,
  inLayout,
  openWeights,
  readJson,
  readSafetensors,
  verifySafetensors,
  type Control,
  type ControlTarget,
  type SafetensorsFile,
  type TensorSource,
  type Weights,
} from '@controllab/core-blocks';
import type { Base } from '../base.ts';
import { classInWords, fileKind, type FileKind } from '../checkpoint/files/file-kind.ts';
import { BaseModelError } from '../errors.ts';
import { missingFile } from '../missing-file.ts';
import { checkControlValues, controlValueSpecs } from './control-values.ts';
import { fromIncrements } from './increments.ts';
import { isControlNeXtRelease, openReleasedControlNeXt } from './released-controlnext.ts';
import { trainedMethod } from './trained-method.ts';

/** Weights of a method that nobody else has a layout for, in the folder that training writes. */
export const TRAINED_CONTROL_FILE = 'control.safetensors';

type ImageTarget = ControlTarget & { readonly video: false };

/** A trained control with its values: `control.`, and `unet.` for what it trained in the base. They stay in their file. */
export interface OpenedControl {
  readonly control: Control;
  readonly weights: Weights;
}

/**
 * Opens a trained control for a base: a ControlNet as a diffusers directory; one as a single file, in the original cldm layout (with
 * `control_model.` or without) or with diffusers' names, which without a config is taken for a copy of the base's encoder; a released
 * ControlNeXt with its part of the U-Net beside it, as a folder or by its module's file; or weights that were trained here (`control.*`),
 * whose metadata names the method, alone or in the folder of their training. What it trained in the U-Net takes the place of the base's
 * weights, with the LoRAs of these added.
 * @throws BaseModelError invalid-control when it was made for another base, or naming what it is that is not done; CoreBlocksError naming
 * the tensors that do not fit
 */
export function openControl(file: string, base: Base): OpenedControl {
  const { control, weights } = open(file, base);
  return { control, weights: base.adapted?.apply(weights) ?? weights };
}

/**
 * The values of a trained control for a training to go on from: what {@link openControl} opens, held against the control that is trained.
 * @throws as {@link openControl}; BaseModelError invalid-control naming the values where another method's were given
 */
export function openControlValues(file: string, base: Base, control: Control): Weights {
  const { control: opened, weights } = openControl(file, base);
  const [order, trained] = [opened, control].map(({ module }) =>
    module instanceof ControlNetModel ? (module.config.controlnet_conditioning_channel_order ?? 'rgb') : 'rgb',
  );
  if (order !== trained)
    throw new BaseModelError('invalid-control', `${file} reads its condition's channels as ${order}; what is trained reads ${trained}.`, {
      file,
    });
  const specs = controlValueSpecs(base.denoiser({ extraInputs: control.extraInputs }), control);
  checkControlValues(`${file}: its values and the control that is trained`, specs, weights);
  return weights;
}

function open(file: string, base: Base): OpenedControl {
  if (!fs.existsSync(file)) throw new BaseModelError('invalid-control', missingFile('ControlNet', file), { file });
  const { target } = base.denoiser();
  if (target.video) throw new BaseModelError('invalid-control', `${base.id} makes video; controls of image models are opened.`, { file });
  if (fs.statSync(file).isDirectory()) return openDirectory(file, base, target);
  const tensors = readSafetensors(file);
  const kind = fileKind(tensors.names());
  switch (kind?.kind) {
    case 'trained-control':
      return trainedHere(tensors, base);
    case 'controlnext':
      return openReleasedControlNeXt(file, base);
    case 'controlnet':
      return singleFile(tensors, base, target);
    default:
      throw new BaseModelError(
        'invalid-control',
        `${file} is no ControlNet${kind === null ? `; its tensors are named ${tensors.names().slice(0, 3).join(', ') || 'nothing'}` : ` but ${kind.words}${INSTEAD[kind.kind] ?? ''}`}.`,
        { file },
      );
  }
}

/** What to do with files that are given as a control and are something else. */
const INSTEAD: Partial<Record<FileKind['kind'], string>> = {
  lora: ': give it with --lora FILE:WEIGHT',
  vae: ': give it with --vae',
  checkpoint: ': give it with --model',
};

function openDirectory(directory: string, base: Base, target: ImageTarget): OpenedControl {
  if (!fs.existsSync(path.join(directory, 'config.json'))) {
    const trained = path.join(directory, TRAINED_CONTROL_FILE);
    if (fs.existsSync(trained)) return trainedHere(readSafetensors(trained), base);
    if (isControlNeXtRelease(directory)) return openReleasedControlNeXt(directory, base);
    const files = fs.readdirSync(directory).slice(0, 20).join(', ');
    throw new BaseModelError(
      'invalid-control',
      `${directory} holds neither config.json, as a ControlNet's folder does, nor controlnet.safetensors, as a ControlNeXt's (it has ${files || 'nothing'}).`,
      { directory },
    );
  }
  return withConfig(directory, openWeights(directory), target);
}

/** A ControlNet as diffusers saves it, by the config in a folder. */
function withConfig(directory: string, weights: TensorSource, target: ImageTarget): OpenedControl {
  refuseInpaint(directory);
  const module = new ControlNetModel(configIn(directory));
  checkFit(directory, module, target);
  return published(target, module, externalStateDict(module, weights));
}

/** Names that diffusers gives weights, whole or in parts, with their config beside them. */
const SAVED = /^diffusion_pytorch_model.*?(?<part>-\d+-of-\d+)?\.safetensors$/;
/** What ComfyUI goes by as well: nothing in a single file says that its condition has to be pooled. */
const SHUFFLE = /_shuffle(_fp16)?\.safetensors$/i;
/** A tensor beside an encoder that holds what it is more than the base's that it was copied from; the other layers are whole. */
const DIFFERENCE = 'difference';

/**
 * Nothing else tells this one from others: of its condition, what is masked is -1, and the rest the picture in [0, 1]. In a cache of
 * Hugging Face its name stands in a folder above (`models--lllyasviel--control_v11p_sd15_inpaint/snapshots/HASH`).
 */
const INPAINT = /(^|[/\\]|--)control_v11[a-z]?_sd15_inpaint/i;
const INPAINTING = 'a ControlNet for inpainting, whose condition has -1 where it is masked';

/** @throws BaseModelError invalid-control for a file or folder of that name, or below one */
function refuseInpaint(name: string): void {
  if (INPAINT.test(path.resolve(name)))
    throw new BaseModelError('invalid-control', `${name} is by its name ${INPAINTING}, which is not done.`, { file: name });
}

/** A ControlNet in one file: with a config beside it where diffusers saved it, else without. */
function singleFile(tensors: SafetensorsFile, base: Base, target: ImageTarget): OpenedControl {
  const [directory, name] = [path.dirname(tensors.file), path.basename(tensors.file)];
  const saved = SAVED.exec(name);
  if (saved !== null && fs.existsSync(path.join(directory, 'config.json')))
    return withConfig(directory, saved.groups?.['part'] === undefined ? tensors : openWeights(directory), target);
  if (SHUFFLE.test(name))
    throw new BaseModelError('invalid-control', `${tensors.file} is by its name ${POOLED}, which is not done.`, { file: tensors.file });
  refuseInpaint(tensors.file);
  const module = new ControlNetModel(target.encoder);
  const prefix = ['control_model.', ''].find((known) => tensors.header.has(`${known}input_hint_block.0.weight`));
  try {
    const layout = { ...cldm(target.encoder), prefix: prefix ?? '', ignored: (tensor: string) => tensor === DIFFERENCE };
    const weights = externalStateDict(module, prefix === undefined ? tensors : inLayout(tensors, module, layout));
    return published(target, module, tensors.header.has(DIFFERENCE) ? fromIncrements(weights, base) : weights);
  } catch (cause) {
    if (!(cause instanceof CoreBlocksError) || cause.code !== 'state-dict-mismatch') throw cause;
    const message = `The ControlNet ${tensors.file} was made for another U-Net than that of ${base.label}.\n${cause.message}`;
    throw new BaseModelError('invalid-control', message, { file: tensors.file }, { cause });
  }
}

const CLASS = 'ControlNetModel';

const POOLED = 'a ControlNet of shuffled pictures, whose condition has to be made from one at random';

/** Values of a ControlNet's config that want another picture than the condition image, or one made otherwise. */
const NOT_DONE: readonly (readonly [key: string, usual: unknown, words: string])[] = [
  ['global_pool_conditions', false, POOLED],
  ['conditioning_channels', 3, 'a ControlNet of another kind of condition than an image of three channels'],
];

function configIn(directory: string): ControlNetConfig {
  const file = path.join(directory, 'config.json');
  const config = readJson(file);
  const refuse = (message: string): never => {
    throw new BaseModelError('invalid-control', `${file} describes ${message}.`, { file, expected: CLASS });
  };
  const found = config['_class_name'] ?? CLASS;
  if (found !== CLASS) refuse(`a ${classInWords(found)}; expected ${CLASS}`);
  const origin = config['_name_or_path'];
  if (typeof origin === 'string' && INPAINT.test(origin)) refuse(`${INPAINTING} (_name_or_path ${origin.slice(-100)}), which is not done`);
  for (const [key, usual, words] of NOT_DONE)
    if ((config[key] ?? usual) !== usual) refuse(`${words} (${key} ${JSON.stringify(config[key]).slice(0, 50)}), which is not done`);
  return config as unknown as ControlNetConfig;
}

const published = (target: ControlTarget, module: ControlNetModel, weights: Weights): OpenedControl => ({
  control: controlOfModel(target, module, weights),
  weights: Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`control.${name}`, tensor])),
});

/** Weights that training wrote; those without a method in their metadata are of a time when there was but ControlNet. */
function trainedHere({ file, metadata }: SafetensorsFile, base: Base): OpenedControl {
  const tensors = verifySafetensors(file);
  const { target } = base.denoiser();
  const control = trainedMethod(file, metadata).create(target);
  const weights: Weights = Object.fromEntries(tensors.names().map((name) => [name, tensors.external(name)]));
  checkControlValues(
    `${file}: its values for ${base.label}`,
    controlValueSpecs(base.denoiser({ extraInputs: control.extraInputs }), control),
    weights,
  );
  return { control, weights };
}

function checkFit(file: string, control: ControlNetModel, target: ImageTarget): void {
  const describe = ({ encoder }: ControlNetModel): string =>
    `${encoder.inChannels} latent channels, text of width ${encoder.contextChannels}, connections of ${encoderStates(encoder)
      .map(({ channels }) => channels)
      .join(' ')} channels${encoder.addition ? ', size conditions' : ''}`;
  const [own, needed] = [describe(control), describe(new ControlNetModel(target.encoder))];
  if (own !== needed)
    throw new BaseModelError(
      'invalid-control',
      `The ControlNet ${file} was made for another U-Net.\n  it has: ${own}\n  the model: ${needed}`,
      { file },
    );
}
