import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLineError, parseFlags } from '@controllab/command-line';
import type { Provenance } from '@controllab/report';
import type { Job, JobContext } from './job.ts';
import { jobCommand, runJob } from './run-job.ts';
import type { CellRecord } from './store.ts';

const job: Job<object, null> = {
  id: 'ablation',
  description: 'What it does.',
  profiles: { quick: {}, standard: {}, paper: {} },
  seeded: true,
  engines: 'onnx or tfjs',
  anew: true,
  tasks: async () => [],
  run: async () => null,
  report: () => {
    throw new Error('no test runs it');
  },
  sources: () => ({ weightsHash: '', datasetHash: '' }),
};

const parse = (...argv: string[]) =>
  parseFlags(
    jobCommand(job).action(() => {}),
    argv,
  );
const complaint = (...argv: string[]): CommandLineError => {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof CommandLineError) return error;
    throw error;
  }
  throw new Error(`accepted ${argv.join(' ')}`);
};

describe('the flags of a job', () => {
  it('has a default for everything and reads flags in both of the forms that nx passes on', () => {
    expect(parse()).toMatchObject({ profile: 'quick', seed: 1, engine: 'onnx', provider: 'cpu', fresh: false });
    expect(parse('--seed=2', '--profile=paper', '--fresh')).toMatchObject({ seed: 2, profile: 'paper', fresh: true });
    expect(parse('--seed', '7', '--engine', 'tfjs', '--provider', 'webgpu')).toMatchObject({ seed: 7, engine: 'tfjs', provider: 'webgpu' });
  });

  it.each([
    [['--profile=quik'], /quik.*choices are quick, standard, paper/],
    [['--engine=torch'], /torch.*choices are onnx, tfjs/],
    [['--provider=tpu'], /tpu.*choices are cpu, webgpu, cuda/],
    [['--seed=1.5'], /1\.5.*integer/],
    [['--seed=-1'], /-1.*integer/],
    [['--seed=4294967296'], /integer in \[0, 2\^32\)/],
    [['--seed='], /integer/],
    [
      ['--sede=2'],
      /--sede.*--profile, --seed, --engine, --provider, --threads, --jobs, --only, --list, --launcher, --partition, --time, --memory, --max-submitted, --reduce, --store, --reports, --overwrite, --fresh/,
    ],
    [['quick'], /--profile, --seed/],
  ])('answers %j with one paragraph that lists what is valid', (argv, message) => {
    const error = complaint(...argv);
    expect(error.code).toBe('invalid-option');
    expect(error.message.replaceAll('\n', ' ')).toMatch(message);
    expect(error.message).not.toMatch(/\n\s*\n/);
    expect(error.values).toEqual({ argv });
  });

  it.each([
    [['--list', '--partition=big'], /--partition is for --launcher=slurm, which is not given/],
    [['--only=T', '--reduce'], /--reduce is for --launcher=slurm, which is not given/],
    [['--only=T', '--max-submitted=5'], /--max-submitted is for --launcher=slurm/],
    [['--list', '--launcher=slurm', '--jobs=2'], /--jobs is for this machine/],
    [['--list', '--fresh'], /^--list names the tasks and stops: leave --fresh out$/],
    [['--only=T', '--fresh'], /^--only computes one task and stops: leave --fresh out$/],
    [['--list', '--only=T'], /^--list names the tasks and stops: leave --only out$/],
    [['--launcher=slurm', '--list', '--reduce'], /^--list names the tasks and stops: leave --reduce out$/],
    [['--launcher=slurm', '--only=T', '--reduce'], /^--only computes one task and stops: leave --reduce out$/],
  ])('that a part of a job would not heed are refused before a store is opened: %j', async (argv, message) => {
    const store = path.join(os.tmpdir(), `no-store-${process.pid}`);
    await expect(jobCommand(job).parseAsync([...argv, `--store=${store}`], { from: 'user' })).rejects.toThrow(message);
    expect(existsSync(store)).toBe(false);
  });

  it('has --fresh where something is measured anew: what a seed decides stays in the store, whatever is asked', () => {
    const kept = jobCommand({ ...job, anew: false }).action(() => {});
    expect(parseFlags(kept, [])).not.toHaveProperty('fresh');
    expect(() => parseFlags(kept, ['--fresh'])).toThrow(/unknown option '--fresh'/);
  });

  it('leaves help to commander', () => {
    const write = process.stdout.write;
    let help = '';
    process.stdout.write = ((text: string) => (help += text)) as unknown as typeof write;
    try {
      expect(() => parse('--help')).toThrow(CommanderError);
    } finally {
      process.stdout.write = write;
    }
    expect(help).toContain('--profile <name>');
  });
});

describe('what a report says of its trainings', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(os.tmpdir(), 'trainings-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** One training and what is drawn from it; the training fails as often as `kills` says. */
  const provenanceOf = async (kills = 0): Promise<Provenance> => {
    const training = ({ store }: JobContext<object>) =>
      store.cell('training', {}, async () => {
        if (kills-- > 0) throw new Error('killed');
        return { value: 1 };
      });
    const drawing = ({ store }: JobContext<object>) => store.cell('drawing', {}, async () => ({ value: 2 }));
    const trained: Job<object, CellRecord> = {
      ...{ id: 'trained', description: 'Trains.', profiles: { quick: {} }, seeded: false, engines: null },
      tasks: async (at) => [{ id: 'one', label: 'one', done: () => at.store.has('drawing', {}), run: async () => {} }],
      run: async (at) => {
        // As in every run whose workers train: this process finds what they have computed.
        await training(at);
        const { record, cached } = await training(at);
        expect(cached).toBe(true);
        await drawing(at);
        return record;
      },
      report: () => ({
        ...{ title: 'One', takeaway: 'One.', summary: '', claims: [], attribution: [] },
        sections: [{ id: 'all', title: 'All', blocks: [{ kind: 'note', text: 'none' }] }],
      }),
      sources: ({ networks: _networks, ...record }) => ({
        ...{ weightsHash: null, datasetHash: null },
        trainings: [{ id: 'one', seed: 1, identity: '0', processor: '', instructionSet: '', engine: '', threads: 1, ...record }],
      }),
    };
    const flags = { profile: 'quick', jobs: 1, store: path.join(root, 'store'), reports: path.join(root, 'reports') };
    const directory = await runJob(trained, flags);
    return (JSON.parse(readFileSync(path.join(directory!, 'results.json'), 'utf8')) as { provenance: Provenance }).provenance;
  };

  it('is that a run computed those that were finished while it ran, and its time if that was all it shows', async () => {
    expect(await provenanceOf()).toMatchObject({ wallSeconds: expect.any(Number) as number, trainings: [{ cached: false }] });
    // As another experiment leaves the store: the training is there, and the task is not done.
    rmSync(path.join(root, 'store', 'drawing'), { recursive: true });
    expect(await provenanceOf()).toMatchObject({ wallSeconds: null, trainings: [{ cached: true }] });
  });

  it('is no time where a training was resumed', async () => {
    await expect(provenanceOf(1)).rejects.toThrow('killed');
    expect(await provenanceOf()).toMatchObject({ wallSeconds: null, trainings: [{ cached: false, seconds: null }] });
  });
});
