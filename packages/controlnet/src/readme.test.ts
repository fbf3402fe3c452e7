import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as api from './index.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');

it('README shows a method of your own that runs', async () => {
  expect(/<!-- example -->\n```ts\n([^]*?)```/.exec(readme)![1]).toBe(readFileSync(at('examples/hint-only.ts'), 'utf8'));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=controllab',
    '--import',
    'tsx',
    at('examples/hint-only.ts'),
  ]);
  expect(stdout.trim()).toBe('12 [ 64, 64, 3, 3 ]');
});

it('README names every export', () => {
  for (const name of Object.keys(api)) expect(readme).toContain(name);
});

it('docs/methods.md shows a method as it is', () => {
  const shown = /```ts\n([^]*?)```/.exec(readFileSync(at('../../docs/methods.md'), 'utf8'))![1];
  expect(shown).toBe(readFileSync(at('src/methods/t2i-adapter-method.ts'), 'utf8'));
});

it.each(['t2i-adapter', 'controlnet-xs', 'control-lora'])('%s is a method in under 60 lines', (id) => {
  expect(readFileSync(at(`src/methods/${id}-method.ts`), 'utf8').split('\n').length).toBeLessThan(60);
});
