import fs from 'node:fs';
import path from 'node:path';
import { CoreBlocksError } from '../errors.ts';
import { readSafetensors } from './safetensors/safetensors.ts';
import { readShardedSafetensors } from './safetensors/sharded.ts';
import type { TensorSource } from './tensor-source.ts';

/**
 * diffusers' and transformers' names: `model.safetensors`, `model.fp16.safetensors`, `model.safetensors.index.json`,
 * `model.safetensors.index.fp16.json`.
 */
const WEIGHTS = /^(?:diffusion_pytorch_model|model)(?:\.(?<single>\w+))?\.safetensors(?<index>\.index(?:\.(?<sharded>\w+))?\.json)?$/;

/** Formats that run code when they are opened. */
const PICKLED = /\.(bin|pt|pth|ckpt)$/;

/** Which of several variants is taken: the full one (''), else the one with more of its digits. */
const VARIANTS = ['', 'fp32', 'fp16', 'bf16'];

/**
 * Opens the weights in a component's directory of a diffusers checkpoint: one .safetensors file or an index with shards; full precision,
 * else fp16, else bf16, else the one variant that is there.
 * @throws CoreBlocksError file-read when there are none, only pickled ones, or several other variants; safetensors-invalid when damaged.
 */
export function openWeights(directory: string): TensorSource {
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
  const known = VARIANTS.flatMap((variant) => found.filter((weights) => weights.variant === variant)).at(0);
  const chosen = known ?? (new Set(found.map(({ variant }) => variant)).size === 1 ? found[0] : undefined);
  if (chosen) {
    const file = path.join(directory, chosen.file);
    return chosen.sharded ? readShardedSafetensors(file) : readSafetensors(file);
  }
  throw new CoreBlocksError(
    'file-read',
    `${directory} holds ${whatIsThere(files, found)}; expected diffusion_pytorch_model.safetensors or model.safetensors, whole, as fp16, or an index with its shards`,
    { directory, files },
  );
}

/** Why none of a directory's files is opened. */
function whatIsThere(files: readonly string[], found: readonly { file: string }[]): string {
  if (found.length > 0) return `several variants (${found.map(({ file }) => file).join(', ')}): keep the one that is meant`;
  const pickled = files.filter((file) => PICKLED.test(file));
  if (pickled.length > 0)
    return `only pickled weights (${pickled.join(', ')}), which run code when opened: save them in Python with save_pretrained(FOLDER, safe_serialization=True)`;
  return `no weights (has: ${files.slice(0, 20).join(', ') || 'nothing'})`;
}
