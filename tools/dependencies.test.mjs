import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { dependencyProblems, packageOf, packagesIn, workspaces } from './dependencies.mjs';

const root = path.join(import.meta.dirname, '..');

test.each(workspaces(root))('%s lists exactly the packages it imports', (workspace) => {
  expect(dependencyProblems(root, workspace)).toEqual([]);
});

describe('packageOf', () => {
  it('is the part of a specifier that npm installs', () => {
    expect(['a', 'a/b.js', '@s/a', '@s/a/b', './a.ts', 'node:fs', 'fs'].map(packageOf)).toEqual([
      'a',
      'a',
      '@s/a',
      '@s/a',
      null,
      null,
      null,
    ]);
  });
});

describe('packagesIn', () => {
  it('finds static, type-only and dynamic imports and re-exports; literals that name a package count as named only', () => {
    const { imported, named } = packagesIn(
      "import a from 'a'; import type { B } from '@s/b/c'; export * from 'd'; await import('e'); require.resolve('f/package.json'); const g = './g';",
    );
    expect([...imported].sort()).toEqual(['@s/b', 'a', 'd', 'e']);
    expect([...named].sort()).toEqual(['@s/b', 'a', 'd', 'e', 'f']);
  });
});
