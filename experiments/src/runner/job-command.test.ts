import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { CommandLineError, parseFlags } from '@controllab/command-line';
import type { Job } from './job.ts';
import { jobCommand } from './run-job.ts';

const job: Job<object, null> = {
  id: 'ablation',
  description: 'What it does.',
  profiles: { quick: {}, standard: {}, paper: {} },
  seeded: true,
  engines: 'onnx or tfjs',
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
