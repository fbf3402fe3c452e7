import type * as tf from '@tensorflow/tfjs';
import { initialize, type Control, type ControlledOptions, type ControlTarget, type Method } from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import { ControlNetModel, ControlNetSpatioTemporalModel, initializeFromUNet, type ControlOptions } from '../controlnet.ts';
import type { Connection } from '../connection.ts';
import { toUNetResiduals, type ControlResiduals, type Strength } from '../residuals.ts';
import { hintWidths } from './hint-widths.ts';

/** Choices of {@link controlNet}. */
export interface ControlNetChoices {
  /** How the copy is tied to the U-Net; `zero` is the method, `gaussian` the paper's ablation (section 4.2). */
  readonly connection?: Connection;
  /** Where the copy starts: at the U-Net's weights (section 3.1), or at random. */
  readonly copy?: 'pretrained' | 'random';
  /** Connect the middle block alone: faster for training on little data (section 3.3, small-scale training). */
  readonly onlyMid?: boolean;
  /** Train the whole U-Net with it, at this share of the rate (section 3.3, large-scale training); null: the locked copy. */
  readonly jointRate?: number | null;
}

const at = (t: NamedTensors, name: string): tf.Tensor => t[name] as tf.Tensor;

/** A control that adds residuals: what the family of ControlNets has in common. */
export function byResiduals(
  module: Control['module'],
  residuals: (t: NamedTensors, options: ControlOptions) => ControlResiduals,
  initial: Control['initial'],
  { onlyMid = false, jointRate = null }: Pick<ControlNetChoices, 'onlyMid' | 'jointRate'> = {},
): Control {
  return {
    module,
    extraInputs: 0,
    apply: (t, strength?: Strength): ControlledOptions =>
      toUNetResiduals(residuals(t, strength === undefined ? {} : { conditioningScale: strength }), { onlyMid }),
    trainsInBase: jointRate === null ? null : /^/,
    baseRate: jointRate ?? 1,
    initial,
  };
}

/** The module for a target and its residuals. @throws ControlNetError invalid-config */
function moduleOf(target: ControlTarget, connection: Connection) {
  const hint = { conditioning_embedding_out_channels: hintWidths(target.factor) };
  if (target.video) {
    const module = new ControlNetSpatioTemporalModel({ ...target.encoder, ...hint }, { connection });
    const residuals = (t: NamedTensors, options: ControlOptions) =>
      module.forward(at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'timeIds'), at(t, 'condition'), options);
    return { module, residuals };
  }
  const module = new ControlNetModel({ ...target.encoder, ...hint }, { connection });
  const residuals = (t: NamedTensors, options: ControlOptions) => {
    const added =
      module.encoder.addition === null ? {} : { addedConditions: { textEmbeds: at(t, 'textEmbeds'), timeIds: at(t, 'timeIds') } };
    return module.forward(at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'condition'), { ...options, ...added });
  };
  return { module, residuals };
}

/**
 * ControlNet: a trainable copy of the U-Net's encoder, tied in by zero convolutions; the U-Net is locked. Its choices are the paper's
 * ablation and advice. Source: ControlNet (ICCV 2023), sections 3.1, 3.3 and 4.2.
 */
export function controlNet({
  connection = 'zero',
  copy = 'pretrained',
  onlyMid = false,
  jointRate = null,
}: ControlNetChoices = {}): Method {
  const words = [
    ...(copy === 'random' ? ['random copy'] : []),
    ...(connection === 'gaussian' ? ['Gaussian convolutions'] : []),
    ...(onlyMid ? ['middle block only'] : []),
    ...(jointRate === null ? [] : ['trained with the U-Net']),
  ];
  return {
    id: [
      'controlnet',
      ...(copy === 'random' ? ['random'] : []),
      ...(connection === 'gaussian' ? ['gaussian'] : []),
      ...(onlyMid ? ['mid'] : []),
      ...(jointRate === null ? [] : ['joint']),
    ].join('-'),
    label: words.length === 0 ? 'ControlNet' : `ControlNet, ${words.join(', ')}`,
    description: `${copy === 'pretrained' ? 'trainable' : 'randomly initialised'} copy of the encoder, tied in by ${connection === 'zero' ? 'zero' : 'Gaussian'} convolutions${onlyMid ? ' at the middle block alone' : ''}${jointRate === null ? '' : '; the whole U-Net trains with it'}`,
    config: { connection, copy, onlyMid, jointRate },
    create(target) {
      const { module, residuals } = moduleOf(target, connection);
      const initial: Control['initial'] = (base, seed) =>
        copy === 'random' ? initialize(module, seed, 'control') : initializeFromUNet(module, base, seed, 'control');
      return byResiduals(module, residuals, initial, { onlyMid, jointRate });
    },
  };
}
