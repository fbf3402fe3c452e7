import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import type { Job } from './job.ts';
import type { Numerics } from './numerics.ts';
import { runJob } from './run-job.ts';

/** What the computations of a job run on, with these flags. */
async function numericsWith(flags: { engine?: 'onnx' | 'tfjs'; provider?: 'cpu' | 'webgpu' }): Promise<Numerics> {
  let seen: Numerics | null = null;
  const job: Job<object, null> = {
    ...{ id: 'nothing', description: 'Computes nothing.', profiles: { quick: {} }, seeded: false, engines: 'onnx or tfjs' },
    tasks: async ({ numerics }) => {
      seen = numerics;
      return [];
    },
    run: async () => null,
    report: () => {
      throw new Error('not reported');
    },
    sources: () => ({ weightsHash: '', datasetHash: '' }),
  };
  const store = await mkdtemp(path.join(os.tmpdir(), 'numerics-'));
  await runJob(job, { provider: 'cpu', ...flags, profile: 'quick', threads: 1, list: true, store } as Parameters<typeof runJob>[1]);
  return seen!;
}

it('says what eager functions really run on, and makes it the current backend', async () => {
  await tf.setBackend('cpu');
  const { engine, provider, runtime } = await numericsWith({ engine: 'tfjs' });
  expect([engine, provider]).toEqual(['tfjs', tf.getBackend()]);
  expect(runtime).toMatch(
    provider === 'tensorflow' ? /^@tensorflow\/tfjs 4\.\d+\.\d+, TensorFlow 2\./ : /^@tensorflow\/tfjs 4\.\d+\.\d+, JavaScript$/,
  );
});

it('names the provider of compiled functions, and refuses one that eager functions do not have', async () => {
  expect(await numericsWith({ provider: 'webgpu' })).toMatchObject({ engine: 'onnx', provider: 'webgpu', threads: 1 });
  await expect(numericsWith({ engine: 'tfjs', provider: 'webgpu' })).rejects.toThrow(
    /--provider=webgpu is one of ONNX Runtime's; --engine=tfjs/,
  );
});
