import { CoreBlocksError } from './errors.ts';

/** Keys of a published config.json that change nothing in the network. */
const BOOKKEEPING = new Set([
  'sample_size',
  'upcast_attention',
  'force_upcast',
  'torch_dtype',
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
  'addition_embed_type_num_heads',
]);

/** What a config checker knows of one model class. */
export interface ConfigSchema {
  /** The class, for messages. */
  model: string;
  /** Keys the model reads. */
  keys: readonly string[];
  /** Keys whose only implemented value is given: any other value would be another network. */
  fixed?: Readonly<Record<string, unknown>>;
}

/**
 * Checks a config of diffusers' or transformers' keys, so that a published config.json loads unchanged and one that asks for
 * something not implemented does not silently become another network.
 * @throws CoreBlocksError invalid-config naming every unknown key and every value that is not implemented.
 */
export function checkConfig(config: object, schema: ConfigSchema): void {
  const problems: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (schema.keys.includes(key) || BOOKKEEPING.has(key) || key.startsWith('_')) continue;
    if (schema.fixed && key in schema.fixed) {
      const only = schema.fixed[key];
      if (value !== only && value !== undefined)
        problems.push(`${key}: only ${JSON.stringify(only)} is implemented, got ${JSON.stringify(value)}`);
    } else if (value !== null && value !== undefined && value !== false)
      problems.push(`${key}: unknown key (known: ${schema.keys.join(', ')})`);
  }
  if (problems.length)
    throw new CoreBlocksError('invalid-config', `${schema.model}: cannot build this configuration:\n  ${problems.join('\n  ')}`, {
      problems,
    });
}

/** A per-level list from a list or one number for all levels. @throws CoreBlocksError invalid-config when the length is wrong. */
export function perLevel(name: string, value: number | readonly number[], levels: number): readonly number[] {
  const list = typeof value === 'number' ? Array.from({ length: levels }, () => value) : value;
  if (list.length !== levels)
    throw new CoreBlocksError('invalid-config', `${name}: expected one number or ${levels} (one per level), got [${list.join(', ')}]`, {
      name,
      value,
      levels,
    });
  return list;
}
