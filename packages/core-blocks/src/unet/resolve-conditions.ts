import { refuseConfig } from '../config.ts';
import { activationNamed, type Activation } from '../layers/activation.ts';
import type { UNetEncoderConfig, UNetOnlyConfig } from './config-keys.ts';

/** How time steps become the embedding that every block sees. */
export interface TimeSettings {
  /** Sinusoids, or waves of random frequencies that are stored with the weights. */
  type: 'positional' | 'fourier';
  /** Width of the waves. */
  inputDim: number;
  /** Width T of the embedding. */
  dim: number;
  flipSinToCos: boolean;
  freqShift: number;
  activation: Activation;
  /** Behind the second layer. */
  postActivation: Activation | null;
  /** Width of a condition that is added to the waves (a guidance embedding). */
  conditionChannels: number | null;
  /** Behind the sum of all embeddings. */
  lastActivation: Activation | null;
}

/** What is added to the time embedding. `text_time`: sinusoids of `timeDim` per number, and `inputDim` numbers in all. */
export type Addition =
  | { kind: 'text_time'; timeDim: number; inputDim: number; text: boolean }
  | { kind: 'text'; channels: number; heads: number }
  | { kind: 'text_image' | 'image'; channels: number };

/** What the embedding of a class is made of. */
export type ClassSettings =
  | { kind: 'table'; count: number }
  | { kind: 'timestep'; activation: Activation }
  | { kind: 'identity' }
  | { kind: 'projection' | 'simple_projection'; inputDim: number };

/** What makes the context of what is given as one. */
export interface ContextProjection {
  kind: 'text_proj' | 'text_image_proj' | 'image_proj';
  channels: number;
}

type Config = UNetEncoderConfig & UNetOnlyConfig;

const named = (model: string, key: keyof Config, name: string | null | undefined): Activation | null =>
  name === null || name === undefined ? null : activationNamed(model, key, name);

export function resolveTime(model: string, config: Config): TimeSettings {
  const first = config.block_out_channels[0] as number;
  const type = (config.time_embedding_type ?? 'positional') as TimeSettings['type'];
  const dim = config.time_embedding_dim ?? first * (type === 'fourier' ? 2 : 4);
  if (type === 'fourier' && dim % 2 !== 0) refuseConfig(model, `time_embedding_dim: fourier needs an even width, got ${dim}`, { dim });
  return {
    type,
    inputDim: type === 'fourier' ? dim : first,
    dim,
    flipSinToCos: config.flip_sin_to_cos ?? true,
    freqShift: config.freq_shift ?? 0,
    activation: named(model, 'act_fn', config.act_fn) ?? 'silu',
    postActivation: named(model, 'timestep_post_act', config.timestep_post_act),
    conditionChannels: config.time_cond_proj_dim ?? null,
    lastActivation: named(model, 'time_embedding_act_fn', config.time_embedding_act_fn),
  };
}

/** @param contextChannels what the network attends to */
export function resolveAddition(model: string, config: Config, contextChannels: number): Addition | null {
  const kind = config.addition_embed_type ?? null;
  const { addition_time_embed_dim: timeDim, projection_class_embeddings_input_dim: inputDim, encoder_hid_dim: hidden } = config;
  if (kind === null) return null;
  if (kind === 'text') {
    const channels = hidden ?? contextChannels;
    const heads = config.addition_embed_type_num_heads ?? 64;
    if (channels % heads !== 0)
      refuseConfig(
        model,
        `addition_embed_type text: the text's width ${channels} must be divisible by addition_embed_type_num_heads (${heads})`,
        {
          channels,
          heads,
        },
      );
    return { kind, channels, heads };
  }
  if (kind === 'text_image') return { kind, channels: contextChannels };
  if (kind === 'image') {
    if (!hidden) refuseConfig(model, 'addition_embed_type image needs encoder_hid_dim, the width of the image embedding', { config });
    return { kind, channels: hidden as number };
  }
  if (!timeDim || !inputDim)
    refuseConfig(model, 'addition_embed_type text_time needs addition_time_embed_dim and projection_class_embeddings_input_dim', {
      config,
    });
  return { kind: 'text_time', timeDim: timeDim as number, inputDim: inputDim as number, text: true };
}

export function resolveClasses(model: string, config: Config, activation: Activation): ClassSettings | null {
  const { class_embed_type: kind = null, num_class_embeds: count, projection_class_embeddings_input_dim: inputDim } = config;
  if (kind === null) return count ? { kind: 'table', count } : null;
  if (kind === 'timestep') return { kind, activation };
  if (kind === 'identity') return { kind };
  if (!inputDim) refuseConfig(model, `class_embed_type ${kind} needs projection_class_embeddings_input_dim`, { config });
  return { kind: kind as 'projection' | 'simple_projection', inputDim: inputDim as number };
}

export function resolveContextProjection(model: string, config: Config): ContextProjection | null {
  const channels = config.encoder_hid_dim ?? null;
  const kind = (config.encoder_hid_dim_type ?? (channels === null ? null : 'text_proj')) as ContextProjection['kind'] | null;
  if (kind === null) return null;
  if (channels === null) refuseConfig(model, `encoder_hid_dim_type ${kind} needs encoder_hid_dim`, { kind });
  return { kind, channels: channels as number };
}
