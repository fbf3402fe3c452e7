import { describe, expect, it } from 'vitest';
import { finite, integer, named, names, repeatable, seed, share } from './values.ts';

describe('values', () => {
  it('read numbers', () => {
    expect([integer(1)('12'), integer(0, 5)('5'), seed('0'), seed('4294967295'), finite(0)('2.5'), finite(1)('1e3')]).toEqual([
      12, 5, 0, 4294967295, 2.5, 1000,
    ]);
  });

  it.each([
    [integer(1), '0', 'Expected a whole number of at least 1.'],
    [integer(1), '1.5', 'whole number'],
    [integer(1), ' 1', 'whole number'],
    [integer(16, 512), '8', 'Expected an integer from 16 to 512.'],
    [seed, '4294967296', 'Expected an integer in [0, 2^32).'],
    [seed, '-1', 'integer'],
    [seed, '', 'integer'],
    [finite(0), '', 'Expected a number of at least 0.'],
    [finite(0), 'NaN', 'number'],
    [finite(0), 'Infinity', 'number'],
    [finite(1), '0.5', 'at least 1'],
    [share, '1.01', 'from 0 to 1'],
    [share, '', 'from 0 to 1'],
    [share, 'NaN', 'from 0 to 1'],
    [named, '', 'Expected a name, got nothing.'],
    [named, '  ', 'nothing'],
  ])('refuse what is none: %#', (read, text, message) => expect(() => read(text)).toThrow(message));

  it('read shares and names', () => {
    expect([share('0'), share('0.25'), share('1'), named(' a ')]).toEqual([0, 0.25, 1, ' a ']);
  });

  it('read lists of names: each once, in one order, or the word for none', () => {
    const read = names(['b', 'a', 'c'], 'none');
    expect([read('a'), read('a, b,a'), read('c,a'), read(' none ')]).toEqual([['a'], ['b', 'a'], ['a', 'c'], []]);
  });

  it.each([
    [names(['a', 'b']), '', 'Expected names with commas between, got "". There are a, b.'],
    [names(['a', 'b']), 'a,,b', 'got "".'],
    [names(['a', 'b']), 'a,x,y', 'got "x", "y". There are a, b.'],
    [names(['a', 'b']), 'none', 'got "none".'],
    [names(['a', 'b'], 'none'), 'a,none', 'got "none". There are a, b, or none.'],
    [names(['a', 'b'], 'none'), 'toString', 'got "toString".'],
  ])('refuse names that are none of them: %#', (read, text, message) => expect(() => read(text)).toThrow(message));

  it('gather a repeated flag', () => {
    const read = repeatable(Number);
    expect(read('2', read('1', undefined))).toEqual([1, 2]);
  });
});
