import { readJson } from '@controllab/core-blocks';
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { ExperimentError } from '../runner/errors.ts';
import { explainKey } from './diffusers-flags.ts';

/** Flags that are no part of a training: a config file neither has nor gets them. */
const NOT_IN_FILES = new Set(['config', 'dryRun']);

const fail = (file: string, message: string, values: Record<string, unknown> = {}): never => {
  throw new ExperimentError('invalid-option', `train: ${file} ${message}`, { file, ...values });
};

/** A value of the file as the flag would read it. */
function read(file: string, key: string, option: Option, value: unknown): unknown {
  const { parseArg, variadic } = option;
  const wants = option.isBoolean() || option.negate ? 'boolean' : 'text or number';
  const isText = typeof value === 'string' || typeof value === 'number';
  if (wants === 'boolean')
    return typeof value === 'boolean' ? value : fail(file, `has ${key} ${JSON.stringify(value)}; expected true or false.`);
  const parse = (text: string, before: unknown): unknown => {
    try {
      return parseArg === undefined ? text : (parseArg as (text: string, before: unknown) => unknown)(text, before);
    } catch (error) {
      if (error instanceof InvalidArgumentError) fail(file, `has ${key} ${JSON.stringify(value)}. ${error.message}`);
      throw error;
    }
  };
  if (isText && !variadic && !isRepeatable(option)) return parse(String(value), undefined);
  if (!Array.isArray(value) || !(variadic || isRepeatable(option)) || !value.every((one) => typeof one === 'string'))
    return fail(
      file,
      `has ${key} ${JSON.stringify(value)}; expected ${variadic || isRepeatable(option) ? 'a list of texts' : 'a text or a number'}.`,
    );
  return (value as string[]).reduce<unknown>((before, text) => parse(text, before), undefined);
}

/** Flags that can be given several times. */
const REPEATABLE = new Set(['validationPrompt', 'validationImage']);
const isRepeatable = (option: Option): boolean => REPEATABLE.has(option.attributeName());

/**
 * Sets the flags of a config file in a parsed command; what the command line gives stays.
 * @throws ExperimentError invalid-option naming the file and the key that is unknown or has no such value
 */
export function applyConfigFile(command: Command, file: string, typed: string): void {
  let config: Record<string, unknown>;
  try {
    config = readJson(file);
  } catch (cause) {
    return fail(typed, `cannot be read as an object of flags: ${(cause as Error).message}`);
  }
  const options = new Map(command.options.map((option) => [option.attributeName(), option]));
  const known = [...options.keys()].filter((key) => !NOT_IN_FILES.has(key));
  for (const [key, value] of Object.entries(config)) {
    const option = options.get(key);
    if (option === undefined || NOT_IN_FILES.has(key))
      return fail(typed, `has the unknown key "${key}"${explainKey(key)}. Keys: ${known.join(', ')}.`, { key });
    if (command.getOptionValueSource(key) !== 'cli') command.setOptionValueWithSource(key, read(typed, key, option, value), 'config');
  }
}

/** Every flag with its value, as {@link applyConfigFile} takes it. */
export function configText(command: Command): string {
  const values = Object.entries(command.opts<Record<string, unknown>>()).filter(
    ([key, value]) => !NOT_IN_FILES.has(key) && value !== undefined,
  );
  return `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`;
}
