import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
} from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';
import { openMini, vqTransformer } from '@controllab/mini-sd';
import { profiles } from '../declarations/arms.ts';
import { runJob } from '../runner/run-job.ts';
import { promptTable } from './view/blocks/measures.ts';
import { armsByPrompts } from './view/blocks/pictures.ts';
import { trainingTable } from './view/blocks/trainings.ts';
import { comparison } from './comparison.ts';
import type { Experiment } from './experiment.ts';
import { conditionFidelity } from './compute/judging/measures.ts';

/** Every method that trains on the embedded default, and choices by which one is trained or drawn otherwise. */
const METHODS: readonly Method[] = [
  controlNet(),
  controlNet({ jointRate: 0.1 }),
  controlNet({ conditionEncoder: 'autoencoder' }),
  controlNetLite(),
  controlNetMlp(),
  controlNetXs(),
  controlLora(),
  t2iAdapter(),
  piti(),
  ldmConcatenation(),
  ldmConcatenation({ condition: 'resized' }),
  controlNeXt(),
];

/** A model of its own beside them, its first stage as short as the second. */
const CODES = vqTransformer({ firstStage: 1 });

const everyMethod: Experiment = {
  id: 'every-method',
  title: 'Every method',
  description: 'Trains every method for a few steps',
  profiles: { tiny: profiles.tiny },
  arms: [...METHODS, CODES].map((method) => ({ id: method.id, label: method.label, description: method.description, method })),
  // Where each of them starts is tested beside the methods.
  untrained: [METHODS[0]!.id],
  prompts: ['none', 'perfect'],
  measures: [conditionFidelity],
  takeaway: () => 'Every method trains.',
  summary: () => '',
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
  claims: () => [],
  sections: (view) => [
    {
      id: 'all',
      title: 'All',
      blocks: view.panels.flatMap((panel) => [
        armsByPrompts(view, panel),
        promptTable(view, panel, 'fidelity'),
        trainingTable(view, panel),
      ]),
    },
  ],
};

interface Row {
  label: string;
  cells: (number | { value: number })[];
}

let root: string;
let training: Row[];
let fidelity: Row[];
let provenance: {
  trainings: { id: string; threads: number; instructionSet: string; processor: string; engine: string }[];
  networks: { name: string; hash: string | null; engine: string }[];
};
beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'every-method-'));
  const directory = await runJob(comparison(everyMethod), {
    profile: 'tiny', seed: 1, jobs: 1, threads: 1, store: path.join(root, 'store'), reports: path.join(root, 'reports'),
  }); // prettier-ignore
  const results = JSON.parse(readFileSync(path.join(directory!, 'results.json'), 'utf8')) as {
    sections: { blocks: { id: string; rows: Row[] }[] }[];
    provenance: typeof provenance;
  };
  const rows = (id: string): Row[] => results.sections.flatMap(({ blocks }) => blocks).find((block) => block.id === id)!.rows;
  [training, fidelity, provenance] = [rows('training'), rows('fidelity'), results.provenance];
}, 1_800_000);
afterAll(() => rmSync(root, { recursive: true }));

describe('an experiment that trains every method', () => {
  it.each(METHODS.map((method) => [method.label, method] as const))('%s trains, is sampled and measured', (label, method) => {
    const [parameters, inBase] = training.find((row) => row.label === label)!.cells as [number, number];
    // A condition that is concatenated as it is has none of its own.
    expect(parameters + inBase).toBeGreaterThan(1000);
    const control = method.create({
      family: 'mini',
      factor: 4,
      video: false,
      encoder: { block_out_channels: [64, 64], down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'], layers_per_block: 1, attention_head_dim: 2, cross_attention_dim: 8 },
    }); // prettier-ignore
    expect(inBase > 0).toBe(control.trainsInBase !== null);
    for (const cell of fidelity.find((row) => row.label === label)!.cells) {
      const { value } = cell as { value: number };
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThanOrEqual(1);
    }
  });

  it('a model of its own trains both of its stages, and draws the same whatever the prompt', () => {
    const [parameters, inBase] = training.find((row) => row.label === CODES.label)!.cells as [number, number];
    expect(parameters).toBeGreaterThan(2e6);
    expect(inBase).toBe(0);
    const [unprompted, prompted] = fidelity.find((row) => row.label === CODES.label)!.cells as { value: number }[];
    expect(unprompted!.value).toBeGreaterThanOrEqual(0);
    expect(prompted).toEqual(unprompted);
  });

  it('tells of every training where it was computed', () => {
    expect(provenance.trainings.map(({ id }) => id)).toEqual([...METHODS, CODES].map(({ id }) => `canny-${id}-1`));
    for (const { threads, instructionSet, processor } of provenance.trainings) {
      expect(threads).toBe(1);
      expect(instructionSet).not.toBe('');
      expect(processor).not.toBe('');
    }
  });

  it('tells of every network on what it ran: those that train, encode, draw and judge', () => {
    const ran = /^onnx, onnxruntime-node 1\.\d+\.\d+, cpu, 1 threads?$/;
    for (const { engine } of [...provenance.trainings, ...provenance.networks]) expect(engine).toMatch(ran);
    const hashes = openMini().hashes;
    expect(Object.fromEntries(provenance.networks.map(({ name, hash }) => [name, hash]))).toEqual({
      'VAE encoder': hashes['vae']!.slice(0, 12),
      'VAE decoder': hashes['vae']!.slice(0, 12),
      'text encoder': hashes['clip']!.slice(0, 12),
      denoiser: hashes['unet']!.slice(0, 12),
      'denoiser under an untrained control': hashes['unet']!.slice(0, 12),
      'code transformer': null,
      'code decoder': null,
    });
  });
});
