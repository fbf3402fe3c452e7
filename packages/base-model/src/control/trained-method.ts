import {
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
  type ConcatenationChoices,
  type ControlNetChoices,
} from '@controllab/controlnet';
import { controlNeXt, type ControlNeXtChoices } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';
import { canonicalJson, type Json } from '@controllab/data';
import { BaseModelError } from '../errors.ts';

type Config = Readonly<Record<string, unknown>>;

/** What the metadata of trained weights says of their method: {@link openControl} makes it again from that. */
export const methodMetadata = ({ id, config }: Method): Record<string, string> => ({ method: id, method_config: JSON.stringify(config) });

/** A config with the pattern of what trains in the base as one again. */
function withPattern({ trains, ...others }: Config): Config {
  if (typeof trains !== 'string' || trains === 'none') return { ...others, ...(trains === undefined ? {} : { trains }) };
  const [, source, flags] = /^\/(.*)\/(\w*)$/s.exec(trains) ?? [];
  return { ...others, ...(source === undefined ? {} : { trains: new RegExp(source, flags) }) };
}

/** Choices from a config in which null is the recipe's own. */
const withoutNull = (config: Config): Config => Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));

/** How each method is made from its config, by the id that it has without choices. The longest that an id begins with is its method's. */
const METHODS: Readonly<Record<string, (config: Config) => Method>> = {
  controlnet: (config) => controlNet(withPattern(config) as ControlNetChoices),
  'controlnet-lite': () => controlNetLite(),
  'controlnet-mlp': () => controlNetMlp(),
  'controlnet-xs': (config) => controlNetXs(config),
  'control-lora': (config) => controlLora(withoutNull(config)),
  't2i-adapter': () => t2iAdapter(),
  piti: (config) => piti(config),
  'ldm-concatenation': (config) => ldmConcatenation(config as ConcatenationChoices),
  controlnext: (config) => controlNeXt(withPattern(withoutNull(config)) as ControlNeXtChoices),
};

/**
 * The method of trained weights from their metadata; those that name none are of a time when there was but ControlNet.
 * @throws BaseModelError invalid-control for a method or choices that nothing here makes
 */
export function trainedMethod(file: string, metadata: Readonly<Record<string, string>>): Method {
  const { method: id = 'controlnet', method_config: text = '{}' } = metadata;
  const name = Object.keys(METHODS)
    .filter((known) => id === known || id.startsWith(`${known}-`))
    .sort((a, b) => b.length - a.length)[0];
  if (name === undefined)
    throw new BaseModelError(
      'invalid-control',
      `${file} was trained by the method "${id}"; known are ${Object.keys(METHODS).join(', ')} and their variants.`,
      { file, id },
    );
  const config = JSON.parse(text) as Json & Config;
  const method = METHODS[name]!(config);
  const same = text === '{}' || canonicalJson(method.config as Json) === canonicalJson(config);
  if (method.id !== id || !same)
    throw new BaseModelError(
      'invalid-control',
      `${file} was trained by the method "${id}" with the choices ${text}, of which "${method.id}" with ${JSON.stringify(method.config)} would be made: they are of another version.`,
      { file, id, config },
    );
  return method;
}
