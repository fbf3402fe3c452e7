import path from 'node:path';
import { CoreBlocksError } from '../../errors.ts';
import { shown } from '../../config.ts';
import { readJson } from '../read-json.ts';
import { readSafetensors, type SafetensorsFile } from './safetensors.ts';
import type { TensorSource } from '../tensor-source.ts';

/**
 * Opens a checkpoint that is spread over several .safetensors files: diffusers' and transformers' `*.safetensors.index.json`.
 * Reads and checks every shard's header, no tensor.
 * @throws CoreBlocksError safetensors-invalid naming the index, the shard and the tensor; file-read for a shard that is missing.
 */
export function readShardedSafetensors(index: string): TensorSource {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new CoreBlocksError('safetensors-invalid', `${index}: ${message}`, { file: index, ...values });
  };
  const places = readJson(index)['weight_map'];
  if (typeof places !== 'object' || places === null || Array.isArray(places)) return fail('has no weight_map');
  const shards = new Map<string, SafetensorsFile>();
  const owner = new Map<string, SafetensorsFile>();
  for (const [name, file] of Object.entries(places)) {
    if (typeof file !== 'string' || path.basename(file) !== file)
      return fail(`weight_map puts ${shown(name)} in ${shown(file)}, which is not the name of a file beside it`, { tensor: name });
    const shard = shards.get(file) ?? readSafetensors(path.join(path.dirname(index), file));
    shards.set(file, shard);
    if (!shard.header.has(name))
      fail(`weight_map puts ${shown(name)} in ${shown(file)}, which does not have it`, { tensor: name, shard: file });
    owner.set(name, shard);
  }
  const shardOf = (name: string): SafetensorsFile => {
    const shard = owner.get(name);
    if (!shard) throw new CoreBlocksError('tensor-not-found', `${index} has no tensor "${name}"`, { file: index, tensor: name });
    return shard;
  };
  return {
    file: index,
    header: new Map([...owner].map(([name, shard]) => [name, shard.header.get(name)!])),
    tensor: (name) => shardOf(name).tensor(name),
    external: (name) => shardOf(name).external(name),
  };
}
