import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

it('README shows an example that runs', async () => {
  const readme = readFileSync(at('README.md'), 'utf8');
  expect(/<!-- example -->\n\n```ts\n([^]*?)```/.exec(readme)![1]).toBe(readFileSync(at('examples/two-models.ts'), 'utf8'));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=controllab',
    '--import',
    'tsx',
    at('examples/two-models.ts'),
  ]);
  expect(stdout.trim().split('\n')).toEqual(['3.0 the second is nearer', '2.0 3.0', '38.5']);
});
