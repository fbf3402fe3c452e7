import { parameterSpecs } from '@controllab/core-blocks';
import { catalogue, vocabulary, type Tier } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { MiniAesthetic } from './networks/aesthetic.ts';
import { MiniClip, miniText } from './networks/clip.ts';
import { MiniInception } from './networks/inception.ts';
import { MiniSegmenter } from './networks/segmenter.ts';
import { loadWeights, type StoredWeights } from './weights.ts';

/** A network's weights and the checksum of their file, for provenance. */
export interface LoadedNetwork {
  tensors: Record<string, HostTensor>;
  hash: string;
}

export const checksum = ({ metadata }: StoredWeights): string => metadata['sha256'] ?? '';

const loaded = (stored: StoredWeights): LoadedNetwork => ({ tensors: stored.tensors, hash: checksum(stored) });

/** mini-CLIP: `clip` conditions the U-Net, `clip-judge` scores pictures. @throws MiniSdError missing-weights */
export const loadClip = (part: 'clip' | 'clip-judge', tier: Tier): LoadedNetwork =>
  loaded(loadWeights(part, tier, new MiniClip(vocabulary(tier).words.length)));

/** The part of mini-CLIP that conditions the U-Net, under 'text.', with the checksum of the whole. @throws MiniSdError missing-weights */
export function loadTextEncoder(tier: Tier): LoadedNetwork {
  const { tensors, hash } = loadClip('clip', tier);
  const names = Object.keys(parameterSpecs({ text: miniText(vocabulary(tier).words.length) }));
  return { tensors: Object.fromEntries(names.map((name) => [name, tensors[name]!])), hash };
}

/** @throws MiniSdError missing-weights */
export const loadInception = (tier: Tier): LoadedNetwork =>
  loaded(loadWeights('inception', tier, new MiniInception(catalogue(tier).length)));

/** @throws MiniSdError missing-weights */
export const loadSegmenter = (tier: Tier): LoadedNetwork => loaded(loadWeights('segmenter', tier, new MiniSegmenter()));

/** @throws MiniSdError missing-weights */
export const loadAesthetic = (tier: Tier): LoadedNetwork => loaded(loadWeights('aesthetic', tier, new MiniAesthetic()));

/**
 * mini-inception's trunk under `prefix`, from which the other networks that look at pictures start: they see as much after a third of the
 * steps.
 * @throws MiniSdError missing-weights
 */
export function loadTrunk(tier: Tier, prefix: string): LoadedNetwork {
  const { tensors, hash } = loadInception(tier);
  return {
    tensors: Object.fromEntries(
      Object.entries(tensors).flatMap(([name, tensor]) =>
        name.startsWith('trunk.') ? [[`${prefix}${name.slice('trunk.'.length)}`, tensor]] : [],
      ),
    ),
    hash,
  };
}
