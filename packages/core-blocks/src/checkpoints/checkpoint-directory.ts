import fs from 'node:fs';
import path from 'node:path';
import { CoreBlocksError } from '../errors.ts';
import { readSafetensors } from './safetensors/safetensors.ts';
import { readShardedSafetensors } from './safetensors/sharded.ts';
import type { TensorFile } from './tensor-source.ts';

/**
 * diffusers' and transformers' names: `model.safetensors`, `model.fp16.safetensors`, `model.safetensors.index.json`,
 * `model.safetensors.index.fp16.json`.
 */
const WEIGHTS = /^(?:diffusion_pytorch_model|model)(?:\.(?<single>\w+))?\.safetensors(?<index>\.index(?:\.(?<sharded>\w+))?\.json)?$/;

/** Formats that run code when they are opened. */
const PICKLED = /\.(bin|pt|pth|ckpt)$/;

/** Which of several variants is taken: the full one (''), else fp16. */
const VARIANTS = ['', 'fp16'];

/**
 * Opens the weights in a component's directory of a diffusers checkpoint: one .safetensors file or an index with shards; full precision,
 * else fp16.
 * @throws CoreBlocksError file-read when there are none, or only pickled ones; safetensors-invalid for damaged files.
 */
export function openWeights(directory: string): TensorFile {
  let files: string[];
  try {
    files = fs.readdirSync(directory).sort();
  } catch (error) {
    throw new CoreBlocksError('file-read', `cannot open ${directory}: ${(error as Error).message}`, { directory }, error);
  }
  const found = files.flatMap((file) => {
    const groups = WEIGHTS.exec(file)?.groups;
    return groups ? [{ file, sharded: groups['index'] !== undefined, variant: groups['single'] ?? groups['sharded'] ?? '' }] : [];
  });
  const chosen = VARIANTS.flatMap((variant) => found.filter((weights) => weights.variant === variant)).at(0);
  if (chosen) {
    const file = path.join(directory, chosen.file);
    return chosen.sharded ? readShardedSafetensors(file) : readSafetensors(file);
  }
  const pickled = files.filter((file) => PICKLED.test(file));
  const reason = pickled.length
    ? `only pickled weights (${pickled.join(', ')}), which run code when opened: save them with safe_serialization`
    : `no weights (has: ${files.join(', ') || 'nothing'})`;
  throw new CoreBlocksError(
    'file-read',
    `${directory} holds ${reason}; expected diffusion_pytorch_model.safetensors or model.safetensors, whole, as fp16, or an index with its shards`,
    { directory, files },
  );
}
