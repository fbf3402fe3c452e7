import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as api from './index.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');

it('README shows an example that runs', async () => {
  expect(/```ts\n([^]*?)```/.exec(readme)![1]).toBe(readFileSync(at('examples/sample.ts'), 'utf8'));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=controllab', '--import', 'tsx', at('examples/sample.ts')]);
  expect(stdout.trim()).toBe('2.0 0.5');
});

it('README names every export', () => {
  for (const name of Object.keys(api)) expect(readme).toContain(`\`${name}`);
});
