import { patternProblem } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';

/**
 * What a layer's update is multiplied by for the rank of its tensors; null where a config says nothing of its network.
 * @throws BaseModelError invalid-lora for tensors of another rank than the config says
 */
export type LoraScale = (layer: string, rank: number) => number | null;

type Config = Readonly<Record<string, unknown>>;

/** In front of a network's layers in a file that peft saved. */
export const PEFT_PREFIX = 'base_model.model.';

/** Networks whose configs diffusers writes into one, every key behind its network's name. */
const NETWORKS = ['unet.', 'text_encoder.', 'text_encoder_2.'];

/** peft's own default of `lora_alpha`. */
const DEFAULT_ALPHA = 8;

/** Starts for which peft takes a part out of the base's weights: what the factors add to is not the base. */
const CHANGES_BASE = /^(pissa|olora|loftq|corda|lora_?ga)/i;

/** Values that ask for more than W + scale B A. */
const NOT_DONE: readonly (readonly [key: string, asks: (value: unknown) => boolean, words: string])[] = [
  ['peft_type', (value) => value !== 'LORA', 'another adapter than a LoRA'],
  ['use_dora', (value) => value !== false, 'DoRA'],
  ['init_lora_weights', (value) => typeof value === 'string' && CHANGES_BASE.test(value), "a start that changes the base's own weights"],
  ['layer_replication', () => true, 'layers that are repeated'],
  ['alora_invocation_tokens', () => true, 'a LoRA that acts behind some words alone'],
];

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/** The scale by peft's config of one network, whose layers are named without a prefix. `null` is what is not there. */
function networkScale(where: string, given: Config): LoraScale {
  const refuse = (message: string, cause?: unknown): never => {
    throw new BaseModelError('invalid-lora', `${where} ${message}.`, { where }, { cause });
  };
  const config: Config = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  for (const [key, asks, words] of NOT_DONE)
    if (Object.hasOwn(config, key) && asks(config[key])) refuse(`says ${words} (${key} ${shown(config[key])}), which is not done`);
  const number = (value: unknown, key: string): number =>
    typeof value === 'number' && Number.isFinite(value) ? value : refuse(`has ${shown(value)} for ${key}, expected a number`);
  // peft's keys are regular expressions of the end of a layer's name, from its start or behind a dot.
  const expression = (pattern: string, key: string): RegExp => {
    const problem = patternProblem(pattern);
    if (problem !== null) refuse(`has the pattern ${shown(pattern)} in ${key}, which ${problem}: it may take for ever`);
    try {
      return new RegExp(`^(?:.*\\.)?(?:${pattern})$`);
    } catch (cause) {
      return refuse(`has the pattern ${shown(pattern)} in ${key}, which is no regular expression: ${(cause as Error).message}`, cause);
    }
  };
  /** A number of each layer: that of the first pattern that fits, or the network's. */
  const perLayer = (key: string, patternKey: string): ((layer: string) => number | undefined) => {
    const patterns = config[patternKey] ?? {};
    if (typeof patterns !== 'object' || Array.isArray(patterns))
      refuse(`has ${shown(patterns)} for ${patternKey}, expected an object of layers`);
    const own = Object.entries(patterns).map(([pattern, value]) => ({
      fits: expression(pattern, patternKey),
      value: number(value, `${patternKey}.${pattern}`),
    }));
    const common = config[key] === undefined ? undefined : number(config[key], key);
    return (layer) => own.find(({ fits }) => fits.test(layer))?.value ?? common;
  };
  const [alphaOf, rankOf] = [perLayer('lora_alpha', 'alpha_pattern'), perLayer('r', 'rank_pattern')];
  const { use_rslora: stabilised = false } = config;
  if (typeof stabilised !== 'boolean') refuse(`has ${shown(stabilised)} for use_rslora, expected true or false`);
  return (layer, rank) => {
    if (Object.keys(config).length === 0) return null;
    const expected = rankOf(layer) ?? rank;
    if (expected !== rank)
      refuse(`says rank ${expected} for ${layer}, whose tensors have ${rank}: config and tensors do not belong together`);
    return (alphaOf(layer) ?? DEFAULT_ALPHA) / (stabilised === true ? Math.sqrt(rank) : rank);
  };
}

const without = (prefix: string, name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name);

/**
 * Scales by `adapter_config.json`, which peft writes beside a network's adapter.
 * @param where the file, for errors
 * @throws BaseModelError invalid-lora naming the key that is not done or makes no sense
 */
export function adapterScale(where: string, config: Config): LoraScale {
  const scale = networkScale(where, config);
  return (layer, rank) => scale(without(PEFT_PREFIX, layer), rank);
}

/**
 * Scales by `lora_adapter_metadata`: diffusers writes peft's configs of all networks of a pipeline there, or that of a network saved alone.
 * @param where the file, for errors
 * @throws BaseModelError invalid-lora for what is no JSON, or naming the key
 */
export function metadataScale(where: string, text: string): LoraScale {
  let all: [string, unknown][];
  try {
    all = Object.entries(Object(JSON.parse(text)) as Config);
  } catch (cause) {
    throw new BaseModelError('invalid-lora', `${where} is not JSON: ${(cause as Error).message}.`, { where }, { cause });
  }
  const networkOf = (name: string): string => NETWORKS.find((prefix) => name.startsWith(prefix)) ?? '';
  const scales = new Map(
    ['', ...NETWORKS].map((network) => {
      const own = all.filter(([key]) => networkOf(key) === network).map(([key, value]) => [key.slice(network.length), value] as const);
      return [network, networkScale(where, Object.fromEntries(own))] as const;
    }),
  );
  return (layer, rank) => {
    const network = networkOf(layer);
    return scales.get(network)!(without(PEFT_PREFIX, layer.slice(network.length)), rank);
  };
}
