import { InvalidArgumentError, Option } from 'commander';
import { tiers } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from '../names.ts';

/** Reads a flag that is an integer of at least `least`. */
export const parseInteger =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value >= 2 ** 32)
      throw new InvalidArgumentError(`Expected an integer in [${least}, 2^32).`);
    return value;
  };

/** Reads a flag that is a finite number of at least `least`. */
export const parseNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least)
      throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
    return value;
  };

/** Which objects: the pool whose weights are trained or used. */
export const tierOption = (): Option =>
  new Option('--tier <name>', `the pool of objects; only ${COMMITTED_TIER} comes trained`).choices(tiers).default(COMMITTED_TIER);
