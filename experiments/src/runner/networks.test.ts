import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, it } from 'vitest';
import type { Report } from '@controllab/report';
import { compile, type CompileOptions } from '@controllab/tfjs-onnx';
import type { Job } from './job.ts';
import { runJob } from './run-job.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'networks-'));
afterAll(() => rmSync(root, { recursive: true }));

const double = async (name: string, engine: CompileOptions): Promise<number> => {
  const network = await compile(
    ({ inputs }) => ({ outputs: { y: tf.mul(inputs['x']!, 2) } }),
    { inputs: { x: { shape: [1] } } },
    { ...engine, name },
  );
  const { y } = await network.run({ x: { data: Float32Array.of(4), shape: [1] } });
  await network.release();
  return y!.data[0]!;
};

/** A job of three networks: two on what it is told, one of them inside a stored value of a stored value, and one that ignores it. */
const job: Job<object, number> = {
  ...{ id: 'three', description: 'Doubles.', profiles: { quick: {} }, seeded: false, engines: 'onnx or tfjs' },
  run: async ({ stage, store, engine }) => {
    const encoded = () => store.cell('latents', { of: 'three' }, async () => ({ value: await double('encoder', engine) }));
    const drawn = await stage('drawing', async () => (await encoded()).value + (await double('judge', { threads: 1 })));
    return drawn + (await double('decoder', engine));
  },
  report: (total): Omit<Report, 'id' | 'provenance'> => ({
    ...{ title: 'Three', takeaway: `${total}`, summary: '', claims: [], attribution: [] },
    sections: [{ id: 'all', title: 'All', blocks: [{ kind: 'note', text: 'none' }] }],
  }),
  sources: () => ({ weightsHash: 'none', datasetHash: 'none' }),
};

async function networks(): Promise<Record<string, string>> {
  const flags = { profile: 'quick', engine: 'tfjs', provider: 'cpu', threads: 1, jobs: 1, store: path.join(root, 'store'), reports: path.join(root, 'reports') } as const; // prettier-ignore
  const directory = await runJob(job, flags as unknown as Parameters<typeof runJob>[1]);
  const { provenance } = JSON.parse(readFileSync(path.join(directory!, 'results.json'), 'utf8')) as { provenance: { networks: { name: string; engine: string }[] } }; // prettier-ignore
  return Object.fromEntries(provenance.networks.map(({ name, engine }) => [name, engine]));
}

it('a report states what every network really ran on, not what was asked for', async () => {
  const first = await networks();
  expect(first).toEqual({
    encoder: expect.stringMatching(/^tfjs, @tensorflow\/tfjs 4/) as string,
    judge: 'onnx, cpu, 1 thread',
    decoder: expect.stringMatching(/^tfjs, @tensorflow\/tfjs 4/) as string,
  });
  // Of values that come from the store as well, and of what those were made from.
  expect(await networks()).toEqual(first);
});

it('a value that was stored without it is said to have no record', async () => {
  const folder = path.join(root, 'store', 'stage-three');
  const file = path.join(folder, readdirSync(folder)[0]!, 'value.json');
  const cell = JSON.parse(readFileSync(file, 'utf8').split('\n')[1]!) as { record: { networks?: unknown } };
  expect(cell.record.networks).toHaveLength(2);
  delete cell.record.networks;
  const body = JSON.stringify(cell);
  writeFileSync(file, `${createHash('sha256').update(body).digest('hex')}\n${body}\n`);
  expect(await networks()).toMatchObject({ 'networks of a stored stage-three': 'not recorded', decoder: expect.any(String) as string });
});
