import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { cacheDirectory } from './cache-directory.ts';

test('CONTROLLAB_CACHE, then XDG_CACHE_HOME, then ~/.cache', () => {
  expect(cacheDirectory({ CONTROLLAB_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe('/b/controllab');
  expect(cacheDirectory({})).toBe(`${homedir()}/.cache/controllab`);
});
