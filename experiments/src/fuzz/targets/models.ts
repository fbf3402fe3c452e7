import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint } from '@controllab/base-model';
import { writeTinyModel } from '@controllab/base-model/testing';
import type { Target } from '../target.ts';
import { sha, written } from './tensor-files.ts';

/** Every key of a JSON, at any depth. */
function keysOf(json: unknown): string[] {
  if (typeof json !== 'object' || json === null) return [];
  if (Array.isArray(json)) return json.flatMap(keysOf);
  return Object.entries(json).flatMap(([key, value]) => [key, ...keysOf(value)]);
}

/** diffusers writes keys such as _name_or_path, which change nothing. */
const isRemark = (key: string): boolean => key.startsWith('_') && key !== '__proto__';

/**
 * A file of a model's folder. Everything is opened and a prompt tokenised; a key that a whole file of this kind does not have must be
 * refused, not passed over.
 */
function modelFile(name: string, file: string, { hostile }: Pick<Target, 'hostile'> = {}): Target {
  // The other files may have keys of all kinds.
  const isJson = file.endsWith('config.json');
  let known: ReadonlySet<string> = new Set();
  return {
    name,
    samples: async () => {
      const sample = written(file, (at) => writeTinyModel(at.slice(0, -file.length)));
      if (isJson) known = new Set(keysOf(JSON.parse(sample.toString('utf8'))));
      return [sample];
    },
    place: async (folder) => {
      writeTinyModel(folder);
      return path.join(folder, file);
    },
    text: true,
    ...(hostile === undefined ? {} : { hostile }),
    read: async (at) => {
      const base = openCheckpoint(at.slice(0, -file.length - 1));
      base.denoiser();
      base.textEncoder();
      const tokens = base.tokenize(['a cat sat', 'Ünïcode 42!']);
      const unknown = isJson ? keysOf(JSON.parse(readFileSync(at, 'utf8'))).filter((key) => !known.has(key) && !isRemark(key)) : [];
      return {
        structure: unknown.join(),
        payload: sha(
          JSON.stringify([base.schedule.config, base.prediction, base.hash, base.factor]),
          ...Object.values(tokens).map(({ data }) => data.join()),
        ),
      };
    },
  };
}

const scheduler = (change: object): Buffer =>
  Buffer.from(JSON.stringify({ _class_name: 'DDIMScheduler', beta_schedule: 'scaled_linear', ...change }));

export const models: readonly Target[] = [
  modelFile('unet-config', 'unet/config.json', {
    hostile: () => [
      Buffer.from('{"layers_per_block":1000000}'),
      Buffer.from('{"block_out_channels":[1e15]}'),
      Buffer.from(`{"block_out_channels":[${Array(100_000).fill(8).join()}]}`),
      Buffer.from(`${'['.repeat(1_000_000)}`),
    ],
  }),
  modelFile('vae-config', 'vae/config.json'),
  modelFile('text-config', 'text_encoder/config.json', { hostile: () => [Buffer.from('{"num_hidden_layers":1e9}')] }),
  modelFile('scheduler-config', 'scheduler/scheduler_config.json', {
    hostile: () => [
      scheduler({ num_train_timesteps: 1e9 }),
      scheduler({ num_train_timesteps: -1 }),
      scheduler({ prediction_type: 'toString' }),
      scheduler({ beta_schedule: '__proto__' }),
      scheduler({ beta_start: 'x' }),
    ],
  }),
  modelFile('vocabulary', 'tokenizer/vocab.json'),
  modelFile('model-merges', 'tokenizer/merges.txt'),
  modelFile('special-tokens', 'tokenizer/special_tokens_map.json'),
  modelFile('model-index', 'model_index.json'),
];
