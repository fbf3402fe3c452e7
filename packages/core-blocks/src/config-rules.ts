import { ACTIVATIONS } from './layers/activation.ts';

/** What may stand at a key of a config. */
export interface ValueRule {
  /** A phrase for messages and tables: "a whole number from 1 to 64". */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

export const FLAG: ValueRule = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

export const number = (min: number, max: number): ValueRule => ({
  expected: `a number from ${min} to ${max}`,
  accepts: (value) => typeof value === 'number' && value >= min && value <= max,
});

export const whole = (min: number, max: number): ValueRule => ({
  expected: `a whole number from ${min} to ${max}`,
  accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
});

/** Strings, or null. */
export const oneOf = (...values: readonly (string | null)[]): ValueRule => ({
  expected: values.map((value) => JSON.stringify(value)).join(' or '),
  accepts: (value) => values.includes(value as string | null),
});

export const orNull = (rule: ValueRule): ValueRule => ({
  expected: `${rule.expected}, or null`,
  accepts: (value) => value === null || rule.accepts(value),
});

/** A list with at least one item, and at most `most`. */
export const listOf = (rule: ValueRule, most: number): ValueRule => ({
  expected: `a list of 1 to ${most}, each ${rule.expected}`,
  accepts: (value) => Array.isArray(value) && value.length >= 1 && value.length <= most && value.every((item) => rule.accepts(item)),
});

/** One value for all, or a list of them. */
export const oneOrList = (rule: ValueRule, most: number): ValueRule => ({
  expected: `${rule.expected}, or a list of 1 to ${most} of them`,
  accepts: (value) => rule.accepts(value) || listOf(rule, most).accepts(value),
});

/** Levels of a network: 2^15 pixels become one. */
export const MAX_LEVELS = 16;
/** Channels, tokens' widths and the like. */
export const WIDTH = whole(1, 65536);
/** Layers of one kind within a block. */
export const LAYER_COUNT = whole(1, 128);
/** Layers of a transformer over a feature map; without any it is its norm and its two projections. */
export const TRANSFORMER_DEPTH = whole(0, 128);
/** Types of blocks, one a level. */
export const BLOCK_TYPES: ValueRule = {
  expected: `a list of 1 to ${MAX_LEVELS} block types`,
  accepts: (value) => listOf({ expected: '', accepts: (item) => typeof item === 'string' }, MAX_LEVELS).accepts(value),
};
/** An activation's name. */
export const ACTIVATION: ValueRule = {
  expected: `an activation: ${ACTIVATIONS.join(', ')}`,
  accepts: (value) => typeof value === 'string' && (ACTIVATIONS as readonly string[]).includes(value.toLowerCase()),
};
/** The epsilon of a norm. */
export const EPSILON = number(0, 1);
