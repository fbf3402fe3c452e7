import { CoreBlocksError } from './errors.ts';
import type { ValueRule } from './config-rules.ts';

/** Keys of a published config.json that change nothing in the network: who wrote it, and how it is trained, run or used. */
const BOOKKEEPING = new Set([
  'torch_dtype',
  'dtype', // transformers since 4.56
  'use_bfloat16',
  'name_or_path',
  'attn_implementation',
  'gradient_checkpointing',
  'output_attentions',
  'output_hidden_states',
  'return_dict',
  'return_unused_kwargs',
  'torchscript',
  'use_cache',
  'tie_word_embeddings',
  'transformers_version',
  'architectures',
  'model_type',
  'dropout',
  'attention_dropout',
  'initializer_factor',
  'initializer_range',
  'bos_token_id',
  'pad_token_id',
  'eos_token_id',
  'projection_dim',
]);

/** What a config checker knows of one model class. */
export interface ConfigSchema {
  /** The class, for messages. */
  model: string;
  /** Keys the model reads. */
  keys: Readonly<Record<string, ValueRule>>;
  /** Keys that are passed over, each with the reason why it cannot change what is built here. */
  inert?: Readonly<Record<string, string>>;
  /** Keys of which one value is built; what any other would be. */
  fixed?: Readonly<Record<string, { only: unknown; instead: string }>>;
}

/** JSON of a value, short enough for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/**
 * Checks a config of diffusers' or transformers' keys, so that a published config.json loads unchanged and one that asks for
 * something not implemented does not silently become another network.
 * @throws CoreBlocksError invalid-config naming every unknown key and every value that is not implemented.
 */
export function checkConfig(config: object, { model, keys, inert = {}, fixed = {} }: ConfigSchema): void {
  const problems: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined || Object.hasOwn(inert, key) || BOOKKEEPING.has(key) || (key.startsWith('_') && key !== '__proto__')) continue;
    if (Object.hasOwn(keys, key)) {
      const rule = keys[key] as ValueRule;
      if (!rule.accepts(value)) problems.push(`${key}: expected ${rule.expected}, got ${shown(value)}`);
    } else if (Object.hasOwn(fixed, key)) {
      const { only, instead } = fixed[key] as { only: unknown; instead: string };
      if (value !== only) problems.push(`${key}: only ${JSON.stringify(only)} is implemented, got ${shown(value)} (${instead})`);
    } else if (value !== null && value !== false) problems.push(`${key}: unknown key (known: ${Object.keys(keys).join(', ')})`);
  }
  if (problems.length)
    throw new CoreBlocksError('invalid-config', `${model}: cannot build this configuration:\n  ${problems.join('\n  ')}`, {
      problems,
    });
}

/** @throws CoreBlocksError invalid-config naming the sizes that a config does not state, or states as nothing. */
export function requireKeys<C extends object>(model: string, config: C, keys: readonly (keyof C & string)[]): void {
  const missing = keys.filter((key) => config[key] === undefined || config[key] === null);
  if (missing.length) refuseConfig(model, `the config must state ${missing.join(', ')}`, { missing });
}

/** @throws CoreBlocksError invalid-config with the message, behind the model's name */
export function refuseConfig(model: string, message: string, values: Record<string, unknown> = {}): never {
  throw new CoreBlocksError('invalid-config', `${model}: ${message}`, values);
}

/** A per-level list from a list or one value for all levels. @throws CoreBlocksError invalid-config when the length is wrong. */
export function perLevel<T>(name: string, value: T | readonly T[], levels: number): readonly T[] {
  const list = Array.isArray(value) ? (value as readonly T[]) : Array.from({ length: levels }, () => value as T);
  if (list.length !== levels)
    throw new CoreBlocksError('invalid-config', `${name}: expected one value or ${levels} (one per level), got ${shown(list)}`, {
      name,
      value,
      levels,
    });
  return list;
}
