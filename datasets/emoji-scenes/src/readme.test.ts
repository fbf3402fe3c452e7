import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { catalogue, tiers } from './catalogue/catalogue.ts';
import { conditions } from './conditions/scene-buffers.ts';
import { vocabulary } from './vocabulary/vocabulary.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');

describe('README', () => {
  it('shows an example that runs', async () => {
    expect(/```ts\n([^]*?)```/.exec(readme)![1]).toBe(readFileSync(at('examples/scenes.ts'), 'utf8'));
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=controllab',
      '--import',
      'tsx',
      at('examples/scenes.ts'),
    ]);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^.* on an? \w+ background 64 12288 [234] 24$/);
  });

  it('counts the tiers as they are', () => {
    for (const tier of tiers) {
      const objects = catalogue(tier);
      const heldOut = objects.filter((object) => object.heldOut).length;
      const row = new RegExp(`\\| \`${tier}\` \\| ${objects.length} \\| ${heldOut} \\| .* \\| ${vocabulary(tier).words.length} \\|`);
      expect(readme).toMatch(row);
    }
  });

  it('names every condition and every folder of the source', () => {
    for (const condition of conditions) expect(readme).toContain(`\`${condition}\``);
    for (const folder of ['catalogue', 'drawings', 'cache', 'scenes', 'captions', 'vocabulary', 'rendering', 'conditions'])
      expect(readme).toContain(`| \`${folder}/\` |`);
  });
});
