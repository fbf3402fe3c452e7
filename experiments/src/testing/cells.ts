/**
 * A program of the sweep's tests: the job "cells" alone, of `--cells N` tasks that each count how often they were computed. `--fail N`
 * makes one fail, `--work MS` makes each take so long, `--until FILE` until there is that file.
 */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { integer, runCommand, runProgram } from '@controllab/command-line';
import { ExperimentError } from '../runner/errors.ts';
import type { Job, JobContext } from '../runner/job.ts';
import { jobCommand } from '../runner/run-job.ts';
import { cancelCommand, resumeCommand, statusCommand } from '../runner/sweep/command.ts';

interface Cells {
  cells: number;
  fail: number;
  work: number;
  until?: string;
}

const identity = (cell: number) => ({ cell });
const compute = (at: JobContext<object>, cell: number) =>
  at.store.cell('dummy', identity(cell), async () => {
    const { fail, work, until } = at.flags as unknown as Cells;
    await sleep(work);
    while (until !== undefined && !existsSync(until)) await sleep(100);
    if (cell === fail && process.env['CELLS_MEND'] === undefined)
      throw new ExperimentError('measurement-failed', `cell ${cell} has no value today`, { cell });
    const log = path.join(at.store.root, 'computed');
    mkdirSync(log, { recursive: true });
    appendFileSync(path.join(log, String(cell)), 'x');
    return { value: (cell * 7919) % 1000 };
  });

const job: Job<object, number[]> = {
  id: 'cells',
  description: 'Cells that say their number.',
  profiles: { quick: {} },
  options: [
    new Option('--cells <count>').argParser(integer(1)).default(10),
    new Option('--fail <cell>').argParser(integer(0)).default(1e9),
    new Option('--work <ms>').argParser(integer(0)).default(0),
    new Option('--until <file>'),
  ],
  seeded: false,
  engines: null,
  trainings: () => 2,
  tasks: async (at) =>
    Array.from({ length: (at.flags as unknown as Cells).cells }, (_, cell) => ({
      id: `cell-${cell}`,
      label: `cell ${cell}`,
      // One of them goes on from another, as a longer training does.
      ...(cell === 1 ? { after: ['cell-0'] } : {}),
      done: () => at.store.has('dummy', identity(cell)),
      run: async () => void (await compute(at, cell)),
    })),
  run: async (at) => {
    const values: number[] = [];
    for (let cell = 0; cell < (at.flags as unknown as Cells).cells; cell++) values.push((await compute(at, cell)).value);
    return values;
  },
  report: (values) => ({
    title: 'Cells',
    takeaway: `${values.length} cells`,
    summary: '',
    claims: [],
    sections: [
      {
        id: 'all',
        title: 'All',
        blocks: [
          {
            kind: 'table',
            id: 'cells-table',
            caption: 'Cells',
            rowHeader: 'cell',
            columns: [{ label: 'value' }],
            rows: values.map((value, i) => ({ label: String(i), cells: [value] })),
          },
        ],
      },
    ],
    attribution: [],
  }),
  sources: () => ({ weightsHash: null, datasetHash: null }),
};

const SWEEPS: Record<string, () => Command> = {
  'sweep status': statusCommand,
  'sweep resume': resumeCommand,
  'sweep cancel': cancelCommand,
};
await runProgram(() => runCommand((SWEEPS[process.argv[2]!] ?? (() => jobCommand(job)))(), process.argv.slice(3)));
