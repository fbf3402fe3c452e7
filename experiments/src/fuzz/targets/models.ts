import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint, openControl } from '@controllab/base-model';
import { writeTinyControlNet, writeTinyModel } from '@controllab/base-model/testing';
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

/** The keys of a JSON file that no whole file of its kind has. */
const unknownKeys = (file: string, known: ReadonlySet<string>): string =>
  keysOf(JSON.parse(readFileSync(file, 'utf8')))
    .filter((key) => !known.has(key) && !isRemark(key))
    .join();

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
      return {
        structure: isJson ? unknownKeys(at, known) : '',
        payload: sha(
          JSON.stringify([base.schedule.config, base.prediction, base.hash, base.factor]),
          ...Object.values(tokens).map(({ data }) => data.join()),
        ),
      };
    },
  };
}

const TOKENIZER = 'tokenizer/tokenizer.json';

/** The tiny model's tokenizer in the newer format, with a part of each kind that CLIP's has. */
function tokenizerJson(folder: string): string {
  const part = (file: string): string => readFileSync(path.join(folder, 'tokenizer', file), 'utf8');
  const vocab = JSON.parse(part('vocab.json')) as Record<string, number>;
  const mark = (content: string) => ({ id: vocab[content], content, special: true, normalized: false, lstrip: false, rstrip: false });
  return JSON.stringify({
    version: '1.0',
    added_tokens: [mark('<|startoftext|>'), mark('<|endoftext|>')],
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
    pre_tokenizer: { type: 'Split', pattern: { Regex: '[\\p{L}]+|[^\\s\\p{L}]+' }, behavior: 'Removed', invert: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      unk_token: '<|endoftext|>',
      end_of_word_suffix: '</w>',
      vocab,
      merges: part('merges.txt').trim().split('\n').slice(1),
    },
  });
}

/** A prompt tokenised by tokenizer.json alone. */
function tokenizerFile(): Target {
  const { read } = modelFile('', TOKENIZER);
  const change = (from: string | RegExp, to: string): Buffer => Buffer.from(sample().toString('utf8').replace(from, to));
  const sample = (): Buffer =>
    written(TOKENIZER, (at) => {
      writeTinyModel(at.slice(0, -TOKENIZER.length));
      writeFileSync(at, tokenizerJson(at.slice(0, -TOKENIZER.length)));
    });
  let known: ReadonlySet<string> = new Set();
  return {
    name: 'tokenizer-json',
    samples: async () => {
      known = new Set(keysOf(JSON.parse(sample().toString('utf8'))));
      return [sample()];
    },
    place: async (folder) => {
      writeTinyModel(folder);
      for (const file of ['vocab.json', 'merges.txt']) rmSync(path.join(folder, 'tokenizer', file));
      return path.join(folder, TOKENIZER);
    },
    text: true,
    hostile: () => [
      Buffer.from('['.repeat(5_000_000)),
      Buffer.from(`${'{"model":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
      change('[\\\\p{L}]+|', '(a+)+b|'),
      change(/"merges":\[.*?\]/, '"merges":["c a"]'),
      change('"BPE"', '"Unigram"'),
      change('"Lowercase"', '"toString"'),
    ],
    read: async (at) => {
      const { payload } = await read(at);
      return { structure: unknownKeys(at, known), payload };
    },
  };
}

/** Words that were learned: their ids, of which the text encoder has embeddings. */
function addedTokensFile(): Target {
  const file = 'tokenizer/added_tokens.json';
  const { read, place } = modelFile('', file);
  const list = (change: object): Buffer => Buffer.from(JSON.stringify(change));
  return {
    name: 'added-tokens',
    samples: async () => [list({ '<toy>': 60, '<toy>_1': 61 })],
    place,
    text: true,
    hostile: () => [list({ '<toy>': -1 }), list({ '<toy>': 1e300 }), list({ '<toy>': '60' }), list({ '': 60 }), list({ a: 5 })],
    read: async (at) => ({ ...(await read(at)), structure: '' }),
  };
}

/** The config of a ControlNet's folder. */
function controlConfig(): Target {
  let known: ReadonlySet<string> = new Set();
  const sample = (): Buffer => written('config.json', (at) => writeTinyControlNet(path.dirname(at)));
  return {
    name: 'control-config',
    samples: async () => {
      known = new Set(keysOf(JSON.parse(sample().toString('utf8'))));
      return [sample()];
    },
    place: async (folder) => {
      writeTinyModel(path.join(folder, 'model'));
      writeTinyControlNet(path.join(folder, 'control'));
      return path.join(folder, 'control', 'config.json');
    },
    text: true,
    hostile: () => [Buffer.from('{"layers_per_block":1000000}'), Buffer.from('{"conditioning_embedding_out_channels":[1e15]}')],
    read: async (at) => {
      const { weights } = openControl(path.dirname(at), openCheckpoint(path.join(path.dirname(at), '..', 'model')));
      return { structure: unknownKeys(at, known), payload: Object.keys(weights).join() };
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
  tokenizerFile(),
  addedTokensFile(),
  modelFile('model-index', 'model_index.json'),
  controlConfig(),
];
