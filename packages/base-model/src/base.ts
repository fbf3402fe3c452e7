import type { Denoiser, TextEncoder, Weights } from '@controllab/core-blocks';
import type { RgbImage } from '@controllab/data';
import type { FloatTensor, NoiseSchedule, Prediction, SamplingConfig } from '@controllab/diffusion';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';

/** A piece of a prompt, and what the embeddings of its tokens are multiplied by. */
export interface PromptPart {
  readonly text: string;
  readonly weight: number;
}

/** A prompt's text, all of which weighs 1, or its parts. */
export type PromptText = string | readonly PromptPart[];

/** A prompt; null is none at all, which a checkpoint may take for a zero embedding (SDXL) in place of the empty prompt's. */
export type Prompt = PromptText | null;

/**
 * Token ids of prompts, by input name of the text encoder: `ids` [N, S] int32, SDXL's second encoder `ids2`; of prompts of which one has
 * parts also what each token weighs, `ids.weights` [N, S].
 */
export type PromptTokens = Record<string, HostTensor>;

/** How a base's prompts are tokenised again in a worker: `module`'s default export takes `data` and returns `tokenize`. */
export interface TokenizerReference {
  readonly module: string;
  readonly data: unknown;
}

/** A part of a base that was compiled for one shape, to be run any number of times. */
export interface BasePart<In, Out> {
  run(input: In): Promise<Out>;
  release(): Promise<void>;
}

/** Encodes lists of equally many prompts, each as a batch of its own. Of a base in files each text encoder is loaded once for all lists. */
export type PromptEncoder = BasePart<readonly (readonly Prompt[])[], Record<string, HostTensor>[]>;

/** Inputs of a denoiser that are the same for every sample, by name: SDXL's `timeIds` [K]. */
export type FixedInputs = Readonly<Record<string, readonly number[]>>;

/**
 * A latent diffusion model with its weights: the embedded default, or a published checkpoint. All of training, sampling and the
 * experiments see a base through this and nothing else.
 */
export interface Base {
  /** `mini`, or what the user named: a folder or a file. */
  readonly id: string;
  readonly label: string;
  /** Of its weights and of the settings that decide what it predicts. Published weights are read for it when it is first asked for. */
  readonly hash: string;
  /** Checksums by part, for provenance. */
  readonly hashes: Readonly<Record<string, string>>;
  /** The U-Net's weights under `unet.`, the text encoder's under `text.`, the autoencoder's under `vae.`. */
  readonly weights: Weights;
  /**
   * Where LoRAs were added to the weights: those without them, of which a control's increments are, and how they are added to weights that
   * a control tuned.
   */
  readonly adapted?: { readonly plain: Weights; apply(tuned: Weights): Weights };
  readonly schedule: NoiseSchedule;
  readonly prediction: Prediction;
  /** What its scheduler's config asks of every sampler: spacing, offsets, clipping, Karras sigmas. `steps` is the caller's. */
  readonly sampling: Omit<SamplingConfig, 'steps'>;
  /** The picture's side that it was trained on. */
  readonly pixels: number;
  readonly latentChannels: number;
  /** Pixels per latent along a side. */
  readonly factor: number;
  /** @param options.extraInputs channels that the U-Net's input is widened by, see `Control.extraInputs` */
  denoiser(options?: { extraInputs?: number }): Denoiser;
  /** What the denoiser reads beside sample, timesteps and text, for pictures of a size in pixels; the base's own by default. */
  fixedInputs(size?: { width: number; height: number }): FixedInputs;
  textEncoder(): TextEncoder;
  readonly tokenizer: TokenizerReference;
  /**
   * Prompts as token ids.
   * @param say told by name what of a prompt is cut off or unknown
   */
  tokenize(prompts: readonly PromptText[], say?: (message: string) => void): PromptTokens;
  /**
   * Prompts to what the denoiser reads, one row a prompt. Where the weights lie in files, memory holds one encoder at a time.
   * @param options.say see `tokenize`
   */
  encodePrompts(
    prompts: readonly Prompt[],
    engine: CompileOptions,
    options?: { say?: (message: string) => void },
  ): Promise<Record<string, HostTensor>>;
  /** The same for lists of `count` prompts, again and again. */
  promptEncoder(count: number, engine: CompileOptions, options?: { say?: (message: string) => void }): Promise<PromptEncoder>;
  /** Pictures of one size to scaled latents [N, C, h, w]: posterior means. */
  encode(images: readonly RgbImage[], engine: CompileOptions): Promise<FloatTensor>;
  /** Scaled latents [N, C, h, w] to pictures. */
  decode(latents: FloatTensor, engine: CompileOptions): Promise<RgbImage[]>;
  /** The same for latents of one shape again and again. */
  decoder(shape: readonly number[], engine: CompileOptions): Promise<BasePart<FloatTensor, RgbImage[]>>;
}
