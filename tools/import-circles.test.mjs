import path from 'node:path';
import { expect, it, test } from 'vitest';
import { workspaces } from './dependencies.mjs';
import { circles, importCircles, valueImports } from './import-circles.mjs';

const root = path.join(import.meta.dirname, '..');

test.each(workspaces(root))('no file of %s imports a value in a circle', (workspace) => {
  expect(importCircles(root, workspace)).toEqual([]);
});

it('counts what is there when the program runs', () => {
  const text = [
    "import { a } from './a.ts';",
    "import type { B } from './b.ts';",
    "import { type C } from './c.ts';",
    "import { type D, e } from './d.ts';",
    "import './f.ts';",
    "export * from './g.ts';",
    "export type { H } from './h.ts';",
    "export { type I } from './i.ts';",
    "import j from './j.ts';",
    "import { k } from 'k';",
    "const l = await import('./l.ts');",
  ].join('\n');
  expect(valueImports(text)).toEqual(['./a.ts', './d.ts', './f.ts', './g.ts', './j.ts']);
});

it('finds the circles of a graph', () => {
  const graph = new Map(Object.entries({ a: ['b'], b: ['c'], c: ['a', 'd'], d: ['e'], e: ['d'], f: ['a', 'd'] }));
  expect(circles(graph)).toEqual([
    ['e', 'd'],
    ['c', 'b', 'a'],
  ]);
});
