import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpatialAttention } from '../layers/attention.ts';
import { Linear } from '../layers/layers.ts';
import { initialize } from '../module.ts';
import { readSafetensors } from './safetensors/safetensors.ts';
import { writeSafetensors } from './safetensors/write.ts';
import { externalStateDict, loadStateDict } from './state-dict.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'state-dict-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const host = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape });

describe('loadStateDict', () => {
  it('loads from a file what initialize made, and points into the file', () => {
    const file = path.join(directory, 'w.safetensors');
    const values = initialize(new Linear(3, 2), 1);
    writeSafetensors(file, values);
    const opened = readSafetensors(file);
    expect(loadStateDict(new Linear(3, 2), opened)).toEqual(values);
    expect(externalStateDict(new Linear(3, 2), opened)['weight']).toEqual(opened.external('weight'));
  });

  it('reports everything that is wrong in one error', () => {
    const load = () => loadStateDict(new Linear(3, 2), { weight: host(2, 4), extra: host(1) });
    expect(load).toThrow(
      expect.objectContaining({
        code: 'state-dict-mismatch',
        values: expect.objectContaining({ problems: ['missing bias [2]', 'weight: expected [2, 3], found [2, 4]', 'unexpected extra'] }),
      }),
    );
  });

  it('leaves names outside of its prefixes alone', () => {
    const source = { 'a.weight': host(2, 3), 'a.bias': host(2), 'other.weight': host(1) };
    expect(Object.keys(loadStateDict({ a: new Linear(3, 2) }, source))).toEqual(['a.weight', 'a.bias']);
    expect(() => loadStateDict({ a: new Linear(3, 2) }, { ...source, 'a.more': host(1) })).toThrow(/unexpected a\.more/);
  });

  it('knows the former names of published autoencoders and the position_ids of CLIP', () => {
    const former = { 'group_norm.weight': host(4), 'group_norm.bias': host(4), position_ids: host(1, 77) } as Record<
      string,
      ReturnType<typeof host>
    >;
    for (const name of ['query', 'key', 'value', 'proj_attn']) {
      former[`x.${name}.weight`] = host(4, 4, 1, 1);
      former[`x.${name}.bias`] = host(4);
    }
    const attention = new SpatialAttention(4, { groups: 2, eps: 1e-6 });
    const source = Object.fromEntries(
      Object.entries(former).map(([name, tensor]) => [name.startsWith('x.') || name === 'position_ids' ? name : `x.${name}`, tensor]),
    );
    expect(loadStateDict({ x: attention }, source)['x.to_out.0.weight']?.shape).toEqual([4, 4]);
  });
});
