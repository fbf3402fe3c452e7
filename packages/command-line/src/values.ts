import { InvalidArgumentError } from 'commander';

/** Reads a flag that is a whole number of at least `least` and, where it is given, at most `most`. */
export const integer =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `Expected a whole number of at least ${least}.`
          : `Expected an integer from ${least} to ${most}.`,
      );
    return value;
  };

/** Reads a flag that is a seed: the random numbers are counted in 32 bits. */
export const seed = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 32) throw new InvalidArgumentError('Expected an integer in [0, 2^32).');
  return value;
};

/** Reads a flag that is a finite number of at least `least`. */
export const finite =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least)
      throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
    return value;
  };

/** Reads a flag that is a share: a number from 0 to 1. */
export const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
};

/** Reads a flag that names something, a file or a folder: an unset variable of a script leaves nothing. */
export const named = (text: string): string => {
  if (text.trim() === '') throw new InvalidArgumentError('Expected a name, got nothing.');
  return text;
};

/** Reads a flag that lists some of these names, commas between: each once, in the names' own order. `none` is a word for none of them. */
export const names =
  <T extends string>(all: readonly T[], none?: string) =>
  (text: string): T[] => {
    const words = text.split(',').map((word) => word.trim());
    if (none !== undefined && words.length === 1 && words[0] === none) return [];
    const unknown = words.filter((word) => !(all as readonly string[]).includes(word));
    if (unknown.length > 0)
      throw new InvalidArgumentError(
        `Expected names with commas between, got ${unknown.map((word) => `"${word}"`).join(', ')}. There are ${all.join(', ')}${none === undefined ? '' : `, or ${none}`}.`,
      );
    return all.filter((name) => words.includes(name));
  };

/** Reads a flag that can be given several times: the list of all. */
export const repeatable =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)];
