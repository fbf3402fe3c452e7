import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as api from './index.ts';
import { OPS } from './ops/index.ts';

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');
const codeBlocks = [...readme.matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]);
const run = async (example: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, ['--conditions=controllab', '--import', 'tsx', at(example), ...args])).stdout;

describe('README', () => {
  it('shows the examples as they are', () => {
    expect(codeBlocks).toEqual(['examples/fit.ts', 'examples/safetensors.ts'].map((file) => readFileSync(at(file), 'utf8')));
  });

  it('lists the ops that have a lowering', () => {
    const listed = [.../<!-- ops:.*?-->([^]*?)<!-- \/ops -->/.exec(readme)![1]!.matchAll(/`(\w+)`/g)].map((match) => match[1]);
    expect(listed).toEqual([...OPS.keys()].filter((name) => !name.startsWith('nn.')).sort());
  });

  it('describes every export, every nn function and every error code', () => {
    const described = (name: string): boolean => readme.includes(`\`${name}\``) || readme.includes(`\`${name}(`);
    const names = [...Object.keys(api).filter((name) => name !== 'nn'), ...Object.keys(api.nn).map((name) => `nn.${name}`)];
    expect(names.filter((name) => !described(name))).toEqual([]);
    const codes = [...readFileSync(at('src/errors.ts'), 'utf8').matchAll(/\| '([a-z-]+)'/g)].map((match) => match[1]!);
    expect(codes.length).toBeGreaterThan(5);
    expect([...readme.matchAll(/^\| `([a-z]+-[a-z-]+|session)` \|/gm)].map((match) => match[1]!).sort()).toEqual(codes.sort());
  });
});

describe('examples', () => {
  it('fit.ts finds the weights 1, -2 and 3', async () => {
    const last = (await run('examples/fit.ts')).trim().split('\n').at(-1)!;
    expect(last).toMatch(/^step 400: loss \S+, weights 1\.00 -2\.00 3\.00$/);
  });

  it('safetensors.ts uses a checkpoint in place', async () => {
    const header = Buffer.from(
      JSON.stringify({
        __metadata__: { format: 'pt' },
        bias: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
        weight: { dtype: 'F16', shape: [1, 2], data_offsets: [4, 8] },
      }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'tfjs-onnx-test-')), 'layer.safetensors');
    // bias 0.5; weight 1 and 2 in half precision.
    writeFileSync(
      file,
      Buffer.concat([length, header, Buffer.from(Float32Array.of(0.5).buffer), Buffer.from(Uint16Array.of(0x3c00, 0x4000).buffer)]),
    );
    expect((await run('examples/safetensors.ts', file)).trim()).toBe('Float32Array(1) [ 3.5 ]');
  });
});
