import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMMITTED_TIER } from './names.ts';
import { parts, readWeightsMetadata, weightsFile } from './weights.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it.each(parts.filter((part) => existsSync(weightsFile(part, COMMITTED_TIER))))(
  'the model card describes the committed weights of %s',
  (part) => {
    const checksum = readWeightsMetadata(part, COMMITTED_TIER)['sha256']!;
    expect(readme, `README.md gives no checksum ${checksum.slice(0, 12)}: are its figures those of other weights?`).toContain(
      checksum.slice(0, 12),
    );
  },
);
