import type { Tier } from '@controllab/emoji-scenes';
import type { CompileOptions } from '@controllab/tfjs-onnx';
import { compileAesthetic, type AestheticScorer } from '../networks/aesthetic.ts';
import { compileClip, type ClipScorer } from './clip-score.ts';
import { compileJudge, type Judge } from './judge.ts';
import { loadAesthetic, loadClip, loadInception, loadSegmenter } from '../load-networks.ts';
import { compileSegmenter, type Segmenter } from './segment.ts';

/** Pairs of picture and caption that the judging mini-CLIP sees at a time. */
const CLIP_BATCH = 64;

/** The networks that judge pictures; none of them had a part in drawing one. Each is compiled when it is first asked for, once. */
export interface Judges {
  /** mini-inception: recognises objects, and gives the features of the Fréchet distance. */
  inception(): Promise<Judge>;
  /** A mini-CLIP of its own, not the one that conditions the U-Net. */
  clip(): Promise<ClipScorer>;
  segmenter(): Promise<Segmenter>;
  aesthetic(): Promise<AestheticScorer>;
  /** Checksums of their weights, for identities and provenance. */
  readonly hashes: Readonly<Record<'inception' | 'clip' | 'segmenter' | 'aesthetic', string>>;
  release(): Promise<void>;
}

/**
 * Opens a tier's judges on an engine.
 * @throws MiniSdError missing-weights
 */
export function openJudges(tier: Tier, engine: CompileOptions): Judges {
  const weights = {
    inception: loadInception(tier),
    clip: loadClip('clip-judge', tier),
    segmenter: loadSegmenter(tier),
    aesthetic: loadAesthetic(tier),
  };
  const opened = new Map<string, Promise<{ release(): Promise<void> }>>();
  const once = <T extends { release(): Promise<void> }>(name: string, compile: () => Promise<T>): Promise<T> => {
    if (!opened.has(name)) opened.set(name, compile());
    return opened.get(name) as Promise<T>;
  };
  return {
    inception: () => once('inception', () => compileJudge(weights.inception.tensors, tier, engine)),
    clip: () => once('clip', () => compileClip(weights.clip.tensors, tier, CLIP_BATCH, engine)),
    segmenter: () => once('segmenter', () => compileSegmenter(weights.segmenter.tensors, engine)),
    aesthetic: () => once('aesthetic', () => compileAesthetic(weights.aesthetic.tensors, engine)),
    hashes: {
      inception: weights.inception.hash,
      clip: weights.clip.hash,
      segmenter: weights.segmenter.hash,
      aesthetic: weights.aesthetic.hash,
    },
    release: async () => {
      for (const network of await Promise.all(opened.values())) await network.release();
      opened.clear();
    },
  };
}
