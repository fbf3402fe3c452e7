import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import { writeImage } from '@controllab/data';
import { emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import { readSafetensors, writeSafetensors } from '@controllab/core-blocks';
import { compileEncoder, normaliseLatents, type LatentStatistics } from '../networks/autoencoder.ts';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE } from '../networks/models.ts';
import { readStatistics, type StoredWeights } from '../weights.ts';

const ROW = LATENT_CHANNELS * LATENT_SIZE * LATENT_SIZE;
const BATCH = 64;

export interface LatentPool {
  count: number;
  /** [count, 4, 16, 16], normalised. */
  latents: Float32Array;
  source: SceneSource;
}

/**
 * Encodes scenes 0 .. count - 1 of a source once, so that denoisers train on latents: posterior means, normalised per channel
 * by `statistics` or, without them, by the mean and spread of these very latents.
 */
export async function encodeScenes(
  vaeWeights: Record<string, HostTensor>,
  source: SceneSource,
  count: number,
  {
    statistics,
    engine = {},
    onProgress,
  }: { statistics?: LatentStatistics; engine?: CompileOptions; onProgress?: (done: number) => void } = {},
): Promise<{ latents: Float32Array; statistics: LatentStatistics }> {
  const shape = [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE];
  const encoder = await compileEncoder(vaeWeights, shape, engine);
  const scenes = await emojiScenes(source);
  const latents = { data: new Float32Array(count * ROW), shape: [count, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] };
  for (let start = 0; start < count; start += BATCH) {
    const images = new Float32Array(BATCH * 3 * IMAGE_SIZE * IMAGE_SIZE);
    const filled = Math.min(BATCH, count - start);
    for (let n = 0; n < filled; n++) writeImage((await scenes.example(start + n)).image.rgb, images, n);
    const means = await encoder.run({ data: images, shape });
    latents.data.set(means.data.subarray(0, filled * ROW), start * ROW);
    onProgress?.(start + filled);
  }
  await encoder.release();
  const used = statistics ?? latentStatistics(latents.data);
  return { latents: normaliseLatents(latents, used, 'forward').data, statistics: used };
}

/** What latents depend on, as a short checksum: the encoder's weights and the statistics that normalise, whatever the decoder is. */
export function encoderHash({ tensors, metadata }: StoredWeights): string {
  const hash = createHash('sha256').update(JSON.stringify(readStatistics(metadata)));
  for (const name of Object.keys(tensors).sort()) {
    if (name.startsWith('encoder.') || name.startsWith('quant_conv.')) hash.update(name).update(tensors[name]!.data);
  }
  return hash.digest('hex').slice(0, 12);
}

/** The file of a training pool, encoded if it is not there yet. */
export async function trainingLatents(directory: string, vae: StoredWeights, source: SceneSource, count: number): Promise<string> {
  const pool = createHash('sha256')
    .update(JSON.stringify([source, count, encoderHash(vae)]))
    .digest('hex')
    .slice(0, 12);
  const file = path.join(directory, `latents-${source.style ?? 'openmoji'}-${source.tier}-${pool}.safetensors`);
  if (!existsSync(file)) {
    const { latents } = await encodeScenes(vae.tensors, source, count, { statistics: readStatistics(vae.metadata) });
    writeLatents(file, latents, source);
  }
  return file;
}

/** Mean and standard deviation of each latent channel. */
export function latentStatistics(latents: Float32Array): LatentStatistics {
  const plane = LATENT_SIZE * LATENT_SIZE;
  const sum = new Float64Array(LATENT_CHANNELS);
  const squares = new Float64Array(LATENT_CHANNELS);
  for (let i = 0; i < latents.length; i++) {
    const c = Math.floor(i / plane) % LATENT_CHANNELS;
    sum[c]! += latents[i]!;
    squares[c]! += latents[i]! ** 2;
  }
  const n = latents.length / LATENT_CHANNELS;
  const mean = [...sum].map((s) => s / n);
  return { mean, std: [...squares].map((q, c) => Math.sqrt(q / n - mean[c]! ** 2)) };
}

/** Stores a latent pool with what its scenes are. */
export function writeLatents(file: string, latents: Float32Array, source: SceneSource): void {
  writeSafetensors(
    file,
    { latents: { data: latents, shape: [latents.length / ROW, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] } },
    { metadata: { source: JSON.stringify(source) } },
  );
}

export function readLatents(file: string): LatentPool {
  const stored = readSafetensors(file);
  const latents = stored.tensor('latents').data as Float32Array;
  return {
    count: latents.length / ROW,
    latents,
    source: JSON.parse(stored.metadata['source']!) as SceneSource,
  };
}
