import { InvalidArgumentError } from 'commander';

/** Reads a flag that is an integer of at least `least`. */
export const parseInteger = (least: number) => (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value >= 2 ** 32) throw new InvalidArgumentError(`Expected an integer in [${least}, 2^32).`);
  return value;
};

/** Reads a flag that is a finite number of at least `least`. */
export const parseNumber = (least: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least) throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
  return value;
};
