import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import compareArms from '../examples/two-arms.ts';
import * as api from './index.ts';
import { SAMPLE_REPORT } from './testing/sample-report.ts';

const text = (file: string): Promise<string> => readFile(new URL(`../${file}`, import.meta.url), 'utf8');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'two-arms-'));
});
afterAll(() => rm(directory, { recursive: true }));

it('README shows the example as it is', async () => {
  expect(/```ts\n([^]*?)```/.exec(await text('README.md'))![1]).toBe(await text('examples/two-arms.ts'));
});

it('README names what there is', async () => {
  const readme = await text('README.md');
  for (const name of [
    'meanInterval',
    'pairedDifferenceInterval',
    'judge',
    'MIN_TRAININGS',
    'writeIndex',
    'checkReportFolder',
    'textTable',
    'claimsTable',
    'Progress',
  ]) {
    expect(Object.keys(api)).toContain(name);
    expect(readme).toContain(`\`${name}`);
  }
});

it('the example writes a report with a verdict', async () => {
  const picture = (alt: string) => ({ rgb: new Uint8Array(3), width: 1, height: 1, alt });
  const zero = { id: 'zero', f1: [0.71, 0.69, 0.7, 0.72, 0.7], picture: picture('zero convolutions') };
  const gaussian = { id: 'gaussian', f1: [0.6, 0.62, 0.58, 0.61, 0.59], picture: picture('Gaussian convolutions') };
  await compareArms(directory, [zero, gaussian], SAMPLE_REPORT.provenance);
  const { claims, metrics } = JSON.parse(await readFile(path.join(directory, 'results.json'), 'utf8'));
  expect(claims[0].results[0]).toMatchObject({ text: 'reproduced', family: 1 });
  expect(metrics['follows-better/Canny edges']).toBeCloseTo(0.104, 12);
});
