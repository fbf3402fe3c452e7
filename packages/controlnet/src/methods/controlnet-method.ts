import * as tf from '@tensorflow/tfjs';
import { initialize, readConstant, type Control, type ControlTarget, type Method, type Weights } from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import type { Connection } from '../connection.ts';
import { ControlNetError } from '../errors.ts';
import { ControlNetModel, ControlNetSpatioTemporalModel, initializeFromUNet } from '../controlnet.ts';
import { hintWidths } from './hint-widths.ts';
import { residualControl, type ResidualChoices, type ResidualNetwork } from './residual-control.ts';

/** Choices of {@link controlNet}. */
export interface ControlNetChoices extends ResidualChoices {
  /** How the copy is tied to the U-Net; `zero` is the method, `gaussian` the paper's ablation (section 4.2). */
  readonly connection?: Connection;
  /** Where the copy starts: at the U-Net's weights (section 3.1), or at random. */
  readonly copy?: 'pretrained' | 'random';
  /** What a condition's black and white are to the hint encoder: 0 and 1 as released, or -1 and 1 as pictures are to an autoencoder. */
  readonly conditionRange?: 'unit' | 'signed';
  /**
   * What encodes the condition: a hint encoder that trains (the method), or the base's frozen autoencoder; its latents then take the place
   * of the noisy ones, which the copy does not see (CtrLoRA's base ControlNet: Xu et al. 2024, section 3.2).
   */
  readonly conditionEncoder?: 'hint' | 'autoencoder';
  /** How many of the encoder's levels are copied and connected, the finest first, and no middle block; default all, with it. */
  readonly levels?: number;
}

const at = (t: NamedTensors, name: string) => t[name]!;

/** The copy for a target, and its residuals. @throws ControlNetError invalid-config, CoreBlocksError invalid-config */
function copyOf(
  target: ControlTarget,
  { copy, ...connections }: Pick<ControlNetChoices, 'connection' | 'onlyMid' | 'copy' | 'levels'> & { hint: boolean },
): ResidualNetwork {
  const hint = { conditioning_embedding_out_channels: hintWidths(target) };
  const initialOf =
    (module: ControlNetModel | ControlNetSpatioTemporalModel): ResidualNetwork['initial'] =>
    (base, seed) =>
      copy === 'random' ? initialize(module, seed, 'control') : initializeFromUNet(module, base, seed, 'control');
  if (target.video) {
    if (!connections.hint)
      throw new ControlNetError(
        'invalid-config',
        `a ControlNet of latents of its condition is defined for images, '${target.family}' makes videos`,
        { family: target.family },
      );
    const module = new ControlNetSpatioTemporalModel({ ...target.encoder, ...hint }, connections);
    return {
      module,
      initial: initialOf(module),
      residuals: (t, options) =>
        module.forward(at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'timeIds'), at(t, 'condition'), options),
    };
  }
  const module = new ControlNetModel({ ...target.encoder, ...hint }, connections);
  return { module, initial: initialOf(module), residuals: imageResiduals(module) };
}

/** What an image ControlNet adds, from what the denoiser reads and `condition`. */
export const imageResiduals =
  (module: Pick<ControlNetModel, 'encoder' | 'forward'>): ResidualNetwork['residuals'] =>
  (t, options) => {
    const added =
      module.encoder.addition?.kind === 'text_time'
        ? { addedConditions: { textEmbeds: at(t, 'textEmbeds'), timeIds: at(t, 'timeIds') } }
        : {};
    return module.forward(at(t, 'sample'), at(t, 'timesteps'), at(t, 'context'), at(t, 'condition'), { ...options, ...added });
  };

/**
 * A ControlNet of any config, such as a published one, as a control; training goes on from its values.
 * @param weights by plain names
 */
export const controlOfModel = (target: ControlTarget, module: ControlNetModel, weights: Weights): Control =>
  residualControl(target, {
    module,
    residuals: imageResiduals(module),
    initial: () => Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`control.${name}`, readConstant(tensor)])),
  });

/** The same of a condition that is brought from [0, 1] to [-1, 1] first. */
const signed =
  (residuals: ResidualNetwork['residuals']): ResidualNetwork['residuals'] =>
  (t, options) =>
    residuals({ ...t, condition: tf.sub(tf.mul(at(t, 'condition'), 2), 1) }, options);

/**
 * ControlNet: a trainable copy of the U-Net's encoder, tied in by zero convolutions; the U-Net is locked. Its choices are the paper's
 * ablation (Gaussian convolutions) and advice: connect the middle block alone while there is little data or time, train the whole U-Net
 * with it once there is much of both. A subset of the U-Net may train in its place, as ControlNeXt's does, to tell what is whose.
 * Source: ControlNet (ICCV 2023), sections 3.1 and 4.2; the advice: its first version (arXiv 2302.05543v1), section 3.5.
 */
export function controlNet({
  connection = 'zero',
  copy = 'pretrained',
  onlyMid = false,
  jointRate = null,
  trains,
  conditionRange = 'unit',
  conditionEncoder = 'hint',
  levels,
}: ControlNetChoices = {}): Method {
  if (trains instanceof RegExp && jointRate === null)
    throw new ControlNetError(
      'invalid-config',
      `controlNet: trains names a part of the U-Net, and jointRate, at which it would train, is not given`,
      {
        trains: String(trains),
      },
    );
  const choices: readonly (readonly [chosen: boolean, id: string, label: string])[] = [
    [copy === 'random', 'random', 'random copy'],
    [connection === 'gaussian', 'gaussian', 'Gaussian convolutions'],
    [onlyMid, 'mid', 'middle block only'],
    [jointRate !== null, 'joint', trains === undefined ? 'trained with the U-Net' : `trained with the U-Net's ${String(trains)}`],
    [conditionRange === 'signed', 'signed', 'condition in [-1, 1]'],
    [conditionEncoder === 'autoencoder', 'latents', 'frozen autoencoder'],
    [levels !== undefined, `levels-${levels}`, `${levels} ${levels === 1 ? 'level' : 'levels'} copied`],
  ];
  const chosen = choices.filter(([is]) => is);
  return {
    id: ['controlnet', ...chosen.map(([, id]) => id)].join('-'),
    label: ['ControlNet', ...chosen.map(([, , label]) => label)].join(', '),
    description: [
      copy === 'pretrained' ? 'trainable copy of the encoder' : 'trainable encoder of the same form from random weights',
      `tied in by ${connection === 'zero' ? 'zero' : 'Gaussian'} convolutions${onlyMid ? ' at the middle block alone' : ''}`,
      ...(jointRate === null
        ? []
        : [`${trains === undefined ? 'the whole U-Net trains' : `the U-Net's parameters that match ${String(trains)} train`} with it`]),
      ...(conditionRange === 'signed' ? ['which sees its condition in [-1, 1]'] : []),
      ...(conditionEncoder === 'autoencoder' ? ["which sees the frozen autoencoder's latents of its condition and no noisy ones"] : []),
      ...(levels === undefined ? [] : [`of its ${levels === 1 ? 'finest level' : `${levels} finest levels`} alone`]),
    ].join(', '),
    config: {
      connection,
      copy,
      onlyMid,
      jointRate,
      ...(trains === undefined ? {} : { trains: String(trains) }),
      ...(conditionRange === 'unit' ? {} : { conditionRange }),
      ...(conditionEncoder === 'hint' ? {} : { conditionEncoder }),
      ...(levels === undefined ? {} : { levels }),
    },
    create(target) {
      const latents = conditionEncoder === 'autoencoder';
      if (latents && conditionRange === 'signed')
        throw new ControlNetError('invalid-config', "a condition in [-1, 1] is for hint encoders; the autoencoder's is in [0, 1]", {
          conditionRange,
        });
      const network = copyOf(target, { connection, copy, onlyMid, hint: !latents, ...(levels === undefined ? {} : { levels }) });
      const seen = conditionRange === 'unit' ? network : { ...network, residuals: signed(network.residuals) };
      const control = residualControl(target, seen, { onlyMid, jointRate, ...(trains === undefined ? {} : { trains }) });
      return latents ? { ...control, sees: 'latents' } : control;
    },
  };
}
