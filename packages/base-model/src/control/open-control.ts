import fs from 'node:fs';
import path from 'node:path';
import { cldm, ControlNetModel, controlOfModel, type ControlNetConfig } from '@controllab/controlnet';
import {
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
  type Weights,
} from '@controllab/core-blocks';
import type { Base } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { checkControlValues, controlValueSpecs } from './control-values.ts';
import { trainedMethod } from './trained-method.ts';

/** A trained control with its values: `control.`, and `unet.` for what it trained in the base. They stay in their file. */
export interface OpenedControl {
  readonly control: Control;
  readonly weights: Weights;
}

/**
 * Opens a trained control for a base: a ControlNet as a diffusers directory; one as a single file, in the original cldm layout or with
 * diffusers' names, which has no config and is taken for a copy of the base's encoder; or weights that were trained here (`control.*`),
 * whose metadata names the method.
 * @throws BaseModelError invalid-control when it was made for another base; CoreBlocksError naming the tensors that do not fit
 */
export function openControl(file: string, base: Base): OpenedControl {
  if (!fs.existsSync(file)) throw new BaseModelError('invalid-control', `There is no ControlNet at ${file}.`, { file });
  const { target } = base.denoiser();
  if (target.video) throw new BaseModelError('invalid-control', `${base.id} makes video; controls of image models are opened.`, { file });
  if (fs.statSync(file).isDirectory()) {
    const module = new ControlNetModel(configIn(file));
    checkFit(file, module, target);
    return published(target, module, externalStateDict(module, openWeights(file)));
  }
  const tensors = readSafetensors(file);
  if (tensors.names().some((name) => name.startsWith('control.'))) return trainedHere(tensors, base);
  const module = new ControlNetModel(target.encoder);
  const original = tensors.names().some((name) => name.startsWith('control_model.'));
  return published(target, module, externalStateDict(module, original ? inLayout(tensors, module, cldm(target.encoder)) : tensors));
}

const CLASS = 'ControlNetModel';

function configIn(directory: string): ControlNetConfig {
  const file = path.join(directory, 'config.json');
  const config = readJson(file);
  const found = config['_class_name'] ?? CLASS;
  if (found !== CLASS)
    throw new BaseModelError('invalid-control', `${file} describes a ${String(found)}; expected ${CLASS}.`, { found, expected: CLASS });
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

function checkFit(file: string, control: ControlNetModel, target: ControlTarget & { video: false }): void {
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
