import fs from 'node:fs';
import path from 'node:path';
import { cldm, ControlNetModel, type ControlNetConfig } from '@controllab/controlnet';
import { encoderStates, externalStateDict, inLayout, openWeights, readJson, readSafetensors } from '@controllab/core-blocks';
import { ExperimentError } from '../runner/errors.ts';
import type { DiffusionModel, Part } from './open-model.ts';

/** Keys of a U-Net's config that its encoder's copy has no use for. */
const DECODER_KEYS = new Set(['_class_name', 'up_block_types', 'out_channels']);

/**
 * Opens a ControlNet: a diffusers directory, or a single file in the original cldm layout or with diffusers' names. A single file has no
 * config: it is taken for a copy of the encoder of the U-Net at hand.
 * @throws ExperimentError invalid-model when it was made for another U-Net; CoreBlocksError naming the tensors that do not fit
 */
export function openControlNet(file: string, { unet, unetConfig }: DiffusionModel): Part<ControlNetModel> {
  if (!fs.existsSync(file)) throw new ExperimentError('invalid-model', `There is no ControlNet at ${file}.`, { file });
  if (fs.statSync(file).isDirectory()) {
    const module = new ControlNetModel(readJson(path.join(file, 'config.json')) as unknown as ControlNetConfig);
    checkFit(file, module, unet.module);
    return { module, weights: externalStateDict(module, openWeights(file)) };
  }
  const config = Object.fromEntries(Object.entries(unetConfig).filter(([key]) => !DECODER_KEYS.has(key))) as unknown as ControlNetConfig;
  const module = new ControlNetModel(config);
  const tensors = readSafetensors(file);
  const original = tensors.names().some((name) => name.startsWith('control_model.'));
  return { module, weights: externalStateDict(module, original ? inLayout(tensors, module, cldm(config)) : tensors) };
}

function checkFit(file: string, control: ControlNetModel, unet: DiffusionModel['unet']['module']): void {
  const describe = ({ encoder }: Pick<ControlNetModel, 'encoder'>): string =>
    `${encoder.inChannels} latent channels, text of width ${encoder.midAttention.contextChannels}, connections of ${encoderStates(encoder)
      .map(({ channels }) => channels)
      .join(' ')} channels${encoder.addition ? ', size conditions' : ''}`;
  const [own, needed] = [describe(control), describe(unet)];
  if (own !== needed)
    throw new ExperimentError(
      'invalid-model',
      `The ControlNet ${file} was made for another U-Net.\n  it has: ${own}\n  the model: ${needed}`,
      { file },
    );
}
