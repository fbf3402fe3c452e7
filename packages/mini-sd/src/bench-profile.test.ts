import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startCommand } from '@controllab/command-line/testing';
import { PROFILE_PARTS } from '@controllab/tfjs-onnx';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-profile-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

const bench = (...args: string[]) => startCommand(new URL('../bench/profile/command.ts', import.meta.url), ...args);

it('says where the time of every case goes, and writes it', async () => {
  const file = path.join(directory, 'profile.json');
  const { code, stdout, stderr } = await bench('--quick', '--rounds', '1', '--json', file);
  expect(code, stderr).toBe(0);
  for (const part of PROFILE_PARTS) expect(stdout).toContain(`\n${part} `);
  expect(stdout).toMatch(/\nConv2dWeightGrad 3×3, 64 to 64 channels, 16×16 +\d/);
  const { cases } = JSON.parse(fs.readFileSync(file, 'utf8')) as { cases: { id: string; ms: number; parts: Record<string, number> }[] };
  expect(cases.map(({ id }) => id)).toEqual(['tiny-8', 'controlnet']);
  for (const { ms, parts } of cases) expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBeCloseTo(ms, 6);
}, 300_000);

it('refuses a case that there is not, and a file that cannot be written before anything runs', async () => {
  const unknown = await bench('--only', 'sd15');
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/'sd15' is invalid. Allowed choices are pixels-32, latents-16, controlnet/),
  ]);
  const folder = await bench('--quick', '--json', directory);
  expect([folder.code, folder.stdout, folder.stderr]).toEqual([1, '', expect.stringMatching(/it is a folder; name a file/)]);
}, 120_000);
