import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');

it('README shows an example that runs', async () => {
  expect(/```ts\n([^]*?)```/.exec(readme)![1]).toBe(readFileSync(at('examples/unet.ts'), 'utf8'));
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=controllab', '--import', 'tsx', at('examples/unet.ts')]);
  expect(stdout.trim().split('\n')).toEqual(['Stable Diffusion 1.5: 859520964', 'prediction: [ 1, 4, 8, 8 ]']);
});

it('README names every folder of the source', () => {
  const folders = readdirSync(at('src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = folders.map(({ parentPath, name }) => `${parentPath.slice(at('src').length + 1)}/${name}/`.replace(/^\//, ''));
  for (const folder of paths.filter((name) => !name.endsWith('testing/'))) expect(readme).toContain(`| \`${folder}\` |`);
});
