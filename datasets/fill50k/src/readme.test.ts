import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

it('shows an example that runs', async () => {
  expect(/```ts\n([^]*?)```/.exec(readFileSync(at('README.md'), 'utf8'))![1]).toBe(readFileSync(at('examples/circles.ts'), 'utf8'));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=controllab', '--import', 'tsx', at('examples/circles.ts')]);
  expect(stdout).toMatch(/^[a-z ]+ circle with [a-z ]+ background 64 12288 true\n$/);
});
