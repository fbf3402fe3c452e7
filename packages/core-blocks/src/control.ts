import type * as tf from '@tensorflow/tfjs';
import type { ConstantTensor, HostTensor, NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from './errors.ts';
import type { Module } from './module.ts';
import { repeatRows } from './layers/spatio-temporal.ts';
import type { SpatioTemporalEncoderConfig, UNetEncoderConfig } from './unet/config.ts';
import type { UNetOptions } from './unet/unet.ts';

/** Weights by name: on the host, or left in their file. */
export type Weights = Readonly<Record<string, ConstantTensor>>;

/** What a method of control must know of the U-Net that it controls. */
export type ControlTarget = {
  /**
   * Architecture, which chooses a release's recipe where methods have several: `mini`, `sd15`, `sd21`, `sdxl`, `svd`, or another's name.
   */
  readonly family: string;
  /** Pixels per latent along a side. */
  readonly factor: number;
} & (
  | { readonly video: false; readonly encoder: UNetEncoderConfig }
  /** Layers that see the frames of a video; tensors have a frame axis behind the batch's. */
  | { readonly video: true; readonly encoder: SpatioTemporalEncoderConfig }
);

/** Height and width in latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** The encoder of a base's frozen autoencoder as a traced function. */
export interface LatentEncoder {
  /** Bound under the prefix `vae`. */
  readonly module: Module;
  /** Pictures [N, 3, H, W] in [0, 1] to latents [N, C, h, w] as the denoiser sees them: posterior means, no noise. */
  encode(pictures: tf.Tensor): tf.Tensor;
}

/**
 * A base model's denoiser as a traced function: the U-Net, and what goes into it. Every call of a base's `denoiser()` gives modules of its
 * own.
 */
export interface Denoiser {
  readonly target: ControlTarget;
  readonly unet: Module;
  /**
   * Shapes of what `predict` reads for a batch: `sample` [N, C, h, w] (a video's [N, F, C, h, w]), `timesteps` [N], `context` [N, S, D],
   * for SDXL `textEmbeds` and `timeIds`, for SVD `timeIds`; the sizes are the base's own unless `latent` gives height and width in latents.
   */
  inputs(batch: number, latent?: LatentSize): Record<string, TensorSpec>;
  /** The U-Net's prediction [N, C, h, w]; parameters must be bound. A control's `sample` replaces the input. */
  predict(t: NamedTensors, options?: ControlledOptions): tf.Tensor;
  /** For controls that see latents, see `Control.sees`; a denoiser without one has no such controls. */
  readonly latentEncoder?: LatentEncoder;
}

/** A base model's frozen text encoder, or several, as one traced function. */
export interface TextEncoder {
  /** Bound under the prefix `text`. */
  readonly module: Module;
  /** Token ids: `ids` [N, S] int32, SDXL's second encoder `ids2`. */
  inputs(batch: number): Record<string, TensorSpec>;
  /** Token ids to what the denoiser reads: `context` [N, S, D], SDXL also `textEmbeds` [N, P]. */
  encode(t: NamedTensors): NamedTensors;
}

/** Shape of the `condition` that goes with a `sample`: [N, 3, H, W], a video's [N, F, 3, H, W]. */
export function conditionSpec({ video, factor }: ControlTarget, sample: TensorSpec): TensorSpec {
  const pixels = sample.shape.slice(-2).map((side) => side * factor);
  return { shape: [...sample.shape.slice(0, video ? 2 : 1), 3, ...pixels] };
}

/**
 * What a control gives the U-Net: residuals, an injection, a companion, a widened input, or a context in the text's place: [N, k S, D]
 * where the text is [N, S, D], for a whole k, see `repeatTokens`. A context stands for the prompt: in guidance, rows without a prompt keep
 * their own.
 */
export type ControlledOptions = UNetOptions & { sample?: tf.Tensor; context?: tf.Tensor };

/** How strongly a control acts: one number, or a tensor [N, 1, 1, 1] with one for each sample. 1 where it is not given. */
export type ControlStrength = number | tf.Tensor;

/** The same for features inside the U-Net, where a video's frames are part of the batch: [N F, 1, 1, 1]. */
export function featureStrength({ video }: ControlTarget, { sample }: NamedTensors, strength: ControlStrength): ControlStrength {
  return typeof strength === 'number' || !video ? strength : repeatRows(strength, (sample as tf.Tensor).shape[1] as number);
}

/** A method made for one U-Net: a module, how its output enters, what trains with it, and where training starts. */
export interface Control {
  /** Its parameters are bound under the prefix `control`. May be without parameters. */
  readonly module: Module;
  /** Channels that the U-Net's input is widened by. */
  readonly extraInputs: number;
  /**
   * What its condition is to it: the picture (default), or what the base's frozen autoencoder makes of that, [N, C, h, w]. Whoever calls
   * `apply` goes by {@link controlOptions}, which sees to it.
   */
  readonly sees?: 'pixels' | 'latents';
  /**
   * What it gives the U-Net, from `Denoiser.inputs` and `condition` [N, 3, H, W] in [0, 1] (a video's [N, F, 3, H, W]).
   * @param unet the U-Net that it is for, its parameters bound: for a control that is made of its weights
   */
  apply(t: NamedTensors, strength?: ControlStrength, unet?: Module): ControlledOptions;
  /** Which of the U-Net's own parameters train too, by name (without prefix); null: none, the locked copy. */
  readonly trainsInBase: RegExp | null;
  /** Their learning rate as a share of the module's. */
  readonly baseRate: number;
  /**
   * Where training starts: every parameter of the module under `control.`, and those of the U-Net that do not start at the base's own value
   * (a widened input) under `unet.`.
   * @param base the U-Net's weights by plain names
   * @throws an error of the method's package naming every parameter that does not fit
   */
  initial(base: Weights, seed: number): Record<string, HostTensor>;
}

/** @throws CoreBlocksError invalid-input where the denoiser has none */
function latentEncoderOf({ latentEncoder, target: { family } }: Denoiser): LatentEncoder {
  if (latentEncoder === undefined)
    throw new CoreBlocksError('invalid-input', `the control sees latents of its condition, and '${family}' came without an autoencoder`, {
      family,
    });
  return latentEncoder;
}

/** What must be bound for {@link controlOptions} beside the control's module: the U-Net, and where the control sees latents, `vae`. */
export const baseModules = (denoiser: Denoiser, control: Pick<Control, 'sees'> | null): { unet: Module; vae?: Module } => ({
  unet: denoiser.unet,
  ...(control?.sees === 'latents' ? { vae: latentEncoderOf(denoiser).module } : {}),
});

/** What a control gives a denoiser's U-Net, its condition encoded first where it sees latents. See `Control.apply`. */
export function controlOptions(control: Control, denoiser: Denoiser, t: NamedTensors, strength?: ControlStrength): ControlledOptions {
  const { condition } = t;
  const seen = control.sees === 'latents' ? { ...t, condition: latentEncoderOf(denoiser).encode(condition!) } : t;
  return control.apply(seen, strength, denoiser.unet);
}

/** A way to control a U-Net. */
export interface Method {
  /** a-z, 0-9 and "-". */
  readonly id: string;
  readonly label: string;
  /** What distinguishes it, for a report: a phrase. */
  readonly description: string;
  /** Every choice that decides what is trained, as JSON: part of a training's identity. */
  readonly config: Readonly<Record<string, unknown>>;
  /** @throws an error of the method's package when it has no recipe for the target */
  create(target: ControlTarget): Control;
}
