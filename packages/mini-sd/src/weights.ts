import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadStateDict, readSafetensors, verifySafetensors, writeSafetensors, type Modules } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Tier } from '@controllab/emoji-scenes';
import type { LatentStatistics } from './networks/autoencoder.ts';
import { MiniSdError } from './errors.ts';
import { isMember, MEMBERS } from './names.ts';
import { tierFlag, tierFolder } from './tier.ts';

export const parts = [
  'vae',
  'clip',
  'clip-judge',
  'inception',
  'segmenter',
  'aesthetic',
  'unet',
  'style-twemoji',
  'style-noto',
  'style-fluent',
  'mini-xs',
  'mini-s',
  'mini-m',
] as const;
export type Part = (typeof parts)[number];

const directory = fileURLToPath(new URL('../weights/', import.meta.url));

/** Where a part's weights lie. */
export const weightsFile = (part: Part, tier: Tier): string => path.join(tierFolder(directory, tier), `${part}.safetensors`);

/** The experiment's task that trains a smaller base, and says where it left the file. */
const memberCommand = (width: number): string => `npx controllab scaling-law --profile standard --only width-${width}-2000-1`;

export interface StoredWeights {
  tensors: Record<string, HostTensor>;
  metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a part's weights, checks their checksum and that they fit `modules`.
 * @throws MiniSdError missing-weights naming the command that makes them; CoreBlocksError for a damaged file
 */
export function loadWeights(part: Part, tier: Tier, modules: Modules): StoredWeights {
  const file = weightsFile(part, tier);
  if (!existsSync(file)) {
    throw new MiniSdError(
      'missing-weights',
      `${file} does not exist: train it with '${isMember(part) ? memberCommand(MEMBERS[part]) : `npx nx run mini-sd:pretrain-${part}${tierFlag(tier)}`}'`,
      { part, file },
    );
  }
  verifySafetensors(file);
  const stored = readSafetensors(file);
  return { tensors: loadStateDict(modules, stored), metadata: stored.metadata };
}

/** Stores a part's weights in half precision with what made them. */
export function saveWeights(part: Part, tier: Tier, tensors: Record<string, HostTensor>, metadata: Record<string, string>): void {
  writeSafetensors(weightsFile(part, tier), tensors, { dtype: 'F16', metadata });
}

/** What is stored beside a part's weights: recipe, seed, quality, checksum. */
export const readWeightsMetadata = (part: Part, tier: Tier): Readonly<Record<string, string>> =>
  readSafetensors(weightsFile(part, tier)).metadata;

/** The latent statistics stored beside the autoencoder's weights. */
export function readStatistics(metadata: Readonly<Record<string, string>>): LatentStatistics {
  const text = metadata['latent_statistics'];
  if (text === undefined)
    throw new MiniSdError('bad-weights', "the VAE's weights carry no latent_statistics in their metadata: train them again", {
      keys: Object.keys(metadata),
    });
  return JSON.parse(text) as LatentStatistics;
}
