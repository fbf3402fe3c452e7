import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Lock } from '@controllab/data';
import { ExperimentError } from '../errors.ts';
import type { Job, Task } from '../job.ts';
import { jobCommand } from '../run-job.ts';
import { resumeCommand, statusCommand } from './command.ts';
import { arraySize, queued } from './slurm.ts';
import { Sweep } from './sweep.ts';

/**
 * What a sweep asks of Slurm, without one: jobs/ID has the last index of an array, or "-"; `calls` what was called. Files tell the programs
 * to do what a cluster at times does: refuse after so many jobs, answer too late, not cancel.
 */
const PROGRAMS = {
  sbatch: `
read -r id < last; id=$((id + 1)); last=-
if [ -e refuse ] && [ $id -gt "$(< refuse)" ]; then echo "sbatch: error: $(< refusal)" >&2; exit 1; fi
for word; do case $word in --array=0-*) last=\${word#--array=0-};; --job-name=*) name=\${word#--job-name=};; esac; done
echo $last $name > jobs/$id; echo $id > last
if [ -e late ]; then rm late; echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1; fi
echo $id`,
  squeue: `
case "$*" in
  *%r*) [ -e held ] && echo JobHeldUser; exit 0;;
esac
for word; do case $word in --name=*) asked=\${word#--name=};; esac; done
cd jobs
for id in *; do
  [ -e "$id" ] || exit 0
  read -r last name < $id
  [ -z "$name" ] || [ "$name" = "$asked" ] || continue
  if [ "$last" = - ]; then echo "$id N/A PENDING"; else seq -f "$id %.0f PENDING" 0 $last; fi
done`,
  scancel: `
if [ -e uncancellable ]; then echo "scancel: error: Kill job error: Access denied" >&2; exit 1; fi
for id; do rm jobs/$id; done`,
  scontrol: `
if [ "$1" = show ]; then cat config; fi`,
};

let root: string;
let slurm: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'sweep-100%j-'));
  slurm = path.join(root, 'slurm');
  mkdirSync(path.join(slurm, 'jobs'), { recursive: true });
  for (const [name, script] of Object.entries(PROGRAMS))
    writeFileSync(path.join(slurm, name), `#!/bin/bash\ncd ${slurm}\necho "${name} $*" >> calls\n${script}\n`, { mode: 0o755 });
  tell('last', '100');
  tell('calls', '');
  tell('config', 'ClusterName = test\nMaxArraySize            = 1001\nSchedulerParameters     = (null)');
  vi.stubEnv('PATH', `${slurm}:${process.env['PATH']}`);
  vi.stubEnv('SLURM_JOB_ID', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const tell = (file: string, text: string): void => writeFileSync(path.join(slurm, file), `${text}\n`);
const jobs = (): string[] => readdirSync(path.join(slurm, 'jobs')).sort();
const calls = (program: string): string[] =>
  readFileSync(path.join(slurm, 'calls'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${program} `));
/** A job leaves the queue, or comes into it. */
const ends = (...ids: string[]): void => ids.forEach((id) => rmSync(path.join(slurm, 'jobs', id)));
const comes = (id: string): void => tell(`jobs/${id}`, '-');

const done = new Set<string>();
beforeEach(() => done.clear());
const tasksOf = (count: number): Task[] =>
  Array.from({ length: count }, (_, i) => ({ id: `t${i}`, label: `t${i}`, done: () => done.has(`t${i}`), run: async () => {} }));
const sweepOf = (): Sweep => new Sweep(path.join(root, 'store'), 'sweep');
const given = (maxSubmitted?: number, program: readonly string[] = ['true']) => ({
  job: 'job',
  argv: ['job'],
  program,
  options: { cpus: 1, ...(maxSubmitted === undefined ? {} : { maxSubmitted }) },
});
const begin = (tasks: readonly Task[], ...rest: Parameters<typeof given>): Promise<string> =>
  sweepOf().submit(tasks, { ...given(...rest), begins: true });

it('submits what is missing, behind it a job that was held first', async () => {
  const tasks = tasksOf(3);
  done.add('t1');
  expect(await begin(tasks)).toMatch(/^sweep: 2 of 2 missing tasks submitted as 1 arrays; job 101 reports/);
  expect(sweepOf().record().rounds).toEqual([
    { tasks: ['t0', 't2'], arrays: [{ id: '102', first: 0, count: 2 }], reduce: '101', begins: true },
  ]);
  expect(calls('sbatch')[0]).toContain(' --hold ');
  // A percent sign of its path is none of sbatch's.
  expect(calls('sbatch')[0]).toContain('/sweep-100%%j-');
  expect(calls('scontrol').slice(-2)).toEqual(['scontrol update JobId=101 Dependency=afterany:102', 'scontrol release 101']);
  expect(await begin(tasks)).toMatch(/in the queue already, 3 jobs and elements of it: nothing is submitted twice/);
  expect(jobs()).toEqual(['101', '102']);
});

it('cancels a job that a process left which was killed before it noted it, and not the one it runs in', async () => {
  comes('98');
  comes('99');
  vi.stubEnv('SLURM_JOB_ID', '98');
  expect(await begin(tasksOf(1))).toContain('\n99 of its name, which no round of it has, cancelled');
  expect(jobs()).toEqual(['101', '102', '98']);
  expect(calls('scontrol').at(-2)).toBe('scontrol update JobId=101 Dependency=afterany:102');
});

it('leaves the jobs of the same command in another store alone, wherever its own lies by then', async () => {
  const tasks = tasksOf(2);
  await begin(tasks);
  const other = new Sweep(path.join(root, 'other-store'), 'sweep');
  expect(await other.submit(tasks, { ...given(), begins: true })).not.toContain('cancelled');
  expect(await other.cancel()).toBe(3);
  expect(jobs()).toEqual(['101', '102']);
  cpSync(path.join(root, 'store'), path.join(root, 'moved'), { recursive: true });
  rmSync(path.join(root, 'store'), { recursive: true });
  const moved = new Sweep(path.join(root, 'moved'), 'sweep');
  expect(await moved.submit(tasks, { ...given(), begins: true })).toContain('in the queue already');
});

it('is one sweep whatever the order of its words', () => {
  const [one, two] = [
    ['--a=1', '--b=2', '--store=x'],
    ['--b=2', '--store=y', '--a=1'],
  ].map((words) => Sweep.of(root, 'job', words).name);
  expect(one).toBe(two);
});

it('resumes with the options for sbatch that it was submitted with', async () => {
  vi.stubEnv('SBATCH_CONSTRAINT', 'epyc');
  await begin(tasksOf(1));
  expect(sweepOf().record().environment).toMatchObject({ SBATCH_CONSTRAINT: 'epyc' });
});

it('submits nothing twice where an answer comes too late', async () => {
  comes('99');
  tell('late', '');
  await begin(tasksOf(2));
  expect(jobs()).toEqual(['101', '102']);
  expect(sweepOf().record().rounds).toMatchObject([{ reduce: '101', arrays: [{ id: '102' }] }]);
});

it('tells what had no turn from what was killed, and gives it its turn, within --max-submitted', async () => {
  const tasks = tasksOf(4);
  await begin(tasks, 3);
  expect(sweepOf().record().rounds[0]!.tasks).toEqual(['t0', 't1']);
  writeFileSync(path.join(sweepOf().directory, 'round-0-0.log'), 'so far\n');
  expect(sweepOf().missingText(tasks)).toMatch(
    /t0: ended without an answer.*round-0-0\.log\)\n {4}so far\nt1: was never started\nt2: was never started/,
  );
  ends('102');
  vi.stubEnv('SLURM_JOB_ID', '101');
  // The job that continues is in the queue itself.
  expect(await sweepOf().next(tasks, given(3))).toMatch(/1 of 4 missing tasks submitted/);
  expect(sweepOf().record().rounds[1]).toMatchObject({ tasks: ['t2'], begins: false });
});

it('counts as sent what the cluster took, and goes on behind that', async () => {
  const tasks = tasksOf(4);
  tell('config', 'MaxArraySize = 2');
  tell('refuse', '102');
  tell('refusal', 'Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user size)');
  expect(await begin(tasks)).toMatch(/2 of 4 missing tasks submitted as 1 arrays, the other 2 follow .* \(sbatch: .*job submit limit/);
  expect(sweepOf().record().rounds[0]!.tasks).toEqual(['t0', 't1']);
  expect(calls('scontrol').at(-1)).toBe('scontrol release 101');
});

it('leaves nothing in the queue where nothing of a round was taken, and says what it cannot take back', async () => {
  tell('refuse', '101');
  tell('refusal', 'Batch job submission failed: Invalid account');
  await expect(begin(tasksOf(1))).rejects.toThrow(/Invalid account\nNothing is submitted\.$/);
  expect(jobs()).toEqual([]);
  tell('refuse', '102');
  tell('uncancellable', '');
  await expect(begin(tasksOf(1))).rejects.toThrow(/Invalid account\nJob 102 is in the queue, held, .*Access denied.*: scancel 102$/);
});

it('is not undone where Slurm starts the job again that has submitted the next round', async () => {
  const tasks = tasksOf(2);
  await begin(tasks, 3);
  done.add('t0');
  ends('102');
  vi.stubEnv('SLURM_JOB_ID', '101');
  await sweepOf().next(tasks, given());
  expect(jobs()).toEqual(['101', '103', '104']);
  expect(await sweepOf().next(tasks, given())).toMatch(/in the queue already/);
  expect(jobs()).toEqual(['101', '103', '104']);
});

it('reads how large an array may be', () => {
  expect(arraySize('MaxArraySize            = 1001\nSchedulerParameters     = sched_interval=2,max_array_tasks=50,defer')).toBe(50);
  expect(arraySize('MaxArraySize            = 20\nSchedulerParameters     = max_array_tasks=50')).toBe(20);
  expect(arraySize('MaxArraySize            = 1')).toBe(1);
  expect(arraySize('MaxArraySize            = 0')).toBe(0);
  expect(arraySize('')).toBe(1001);
});

it('says of a cluster without arrays that it has none, before anything is submitted', async () => {
  tell('config', 'MaxArraySize = 0');
  await expect(begin(tasksOf(1))).rejects.toThrow(/takes no job arrays .*MaxArraySize=0/);
  expect(jobs()).toEqual([]);
});

it('reads a queue of more than a megabyte', async () => {
  tell('jobs/7', '99999');
  expect(await queued('sweep')).toHaveLength(100_000);
});

it('cancels what is submitted while it cancels', async () => {
  await begin(tasksOf(2));
  const lock = (await Lock.acquire(sweepOf().directory)) as Lock;
  const cancelled = sweepOf().cancel();
  await vi.waitUntil(() => jobs().length === 0, { timeout: 60_000 });
  // As the job that continues does, which has the lock.
  comes('200');
  lock.release();
  expect(await cancelled).toBe(4);
  expect(jobs()).toEqual([]);
});

it.each([
  ['/nonexistent/node', '127', /t0: its program could not be started \(code 127\): .* has to be there on every node/],
  ['exit 3', '3', /t0: failed with code 3/],
  ['exit 137', null, /t0: ended without an answer/],
  ['exit 0', null, /t0: ended well, and what it stored is of another kind of processor/],
])('takes %s for what it is', async (program, code, text) => {
  const words = program.startsWith('exit') ? ['bash', '-c', program] : [program];
  await begin(tasksOf(1), undefined, words);
  ends('101', '102');
  const script = path.join(sweepOf().directory, 'round-0.sh');
  spawnSync('bash', [script, '0'], { env: { ...process.env, SLURM_ARRAY_TASK_ID: '0' } });
  const failed = path.join(sweepOf().directory, 'round-0-0.failed');
  expect(existsSync(failed) ? readFileSync(failed, 'utf8').trim() : null).toBe(code);
  expect(sweepOf().missingText(tasksOf(1))).toMatch(text);
});

/** Runs a command of commander, and returns what it wrote. */
async function said(command: { parseAsync(argv: string[], from: { from: 'user' }): Promise<unknown> }, ...argv: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await command.parseAsync(argv, { from: 'user' });
    return [...write.mock.calls, ...errors.mock.calls].map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
    errors.mockRestore();
  }
}

it('says what the store has where the queue cannot be asked, and where the folder is gone that the sweep was started in', async () => {
  await begin(tasksOf(1));
  const [node, program] = [process.argv[0]!, process.argv[1]!];
  const listed = path.join(root, 'listed');
  writeFileSync(
    path.join(root, 'program.mjs'),
    `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(listed)}, process.argv.join(' '));`,
  );
  vi.stubEnv('PATH', '/nonexistent');
  const before = process.exitCode;
  try {
    process.argv[1] = path.join(root, 'program.mjs');
    expect(await said(statusCommand(), `--store=${path.join(root, 'store')}`)).toMatch(
      /1 round submitted; the queue cannot be asked\. .*squeue cannot be started here[^]*logs: /,
    );
  } finally {
    process.argv.splice(0, 2, node, program);
    process.exitCode = before;
  }
  expect(readFileSync(listed, 'utf8')).toMatch(/job --list$/);

  // The store is where it is found: its sweeps go on there.
  const moved = path.join(root, 'moved');
  cpSync(path.join(root, 'store'), moved, { recursive: true });
  const there = new Sweep(moved, sweepOf().name);
  writeFileSync(
    path.join(there.directory, 'sweep.json'),
    JSON.stringify({ ...there.record(), argv: ['job', `--store=${path.join(root, 'store')}`] }),
  );
  expect(there.record().argv).toEqual(['job', `--store=${moved}`]);
  expect(Sweep.of(moved, 'job', ['job', `--store=${moved}`]).name).toBe(Sweep.of(root, 'job', ['job', `--store=${root}`]).name);

  const file = path.join(sweepOf().directory, 'sweep.json');
  writeFileSync(file, JSON.stringify({ ...sweepOf().record(), directory: '/nonexistent/here' }));
  await expect(said(resumeCommand(), `--store=${path.join(root, 'store')}`)).rejects.toThrow(
    'sweep was started in /nonexistent/here, which is gone. Make that folder again, or start the sweep elsewhere: npx controllab job',
  );
});

/** A job of one task, which somebody else's process may be at, and of a stage. */
const job = (run: Task['run']): Job<object, number> => ({
  id: 'one',
  description: '',
  profiles: { quick: {} },
  seeded: false,
  engines: null,
  anew: true,
  tasks: async () => [{ id: 'only', label: 'only', done: () => false, run }],
  run: (at) => at.stage('measured', async () => Date.now()),
  report: () => {
    throw new Error('no test writes it');
  },
  sources: () => ({ weightsHash: null, datasetHash: null }),
});
const runOne = (run: Task['run'], ...argv: string[]): Promise<string> =>
  said(jobCommand(job(run)), `--store=${path.join(root, 'store')}`, `--reports=${path.join(root, 'reports')}`, ...argv);

it('forgets what --fresh says before it submits, and submits nothing where the report could not be written', async () => {
  const stages = path.join(root, 'store', 'stage-one');
  await expect(runOne(async () => {})).rejects.toThrow('no test writes it');
  expect(readdirSync(stages)).toHaveLength(1);
  await runOne(async () => {}, '--launcher=slurm', '--fresh');
  expect(readdirSync(stages)).toEqual([]);
  expect(calls('sbatch').join()).not.toContain('--fresh');

  const before = calls('sbatch').length;
  rmSync(path.join(root, 'reports'), { recursive: true, force: true });
  writeFileSync(path.join(root, 'reports'), '');
  await expect(runOne(async () => {}, '--launcher=slurm')).rejects.toMatchObject({ code: 'file-write' });
  expect(calls('sbatch')).toHaveLength(before);
});

it('ends a task as unfinished whose cell another process may hold', async () => {
  const before = process.exitCode;
  try {
    const text = await runOne(async () => {
      throw new ExperimentError('locked', 'process 7 is at work; remove its file');
    }, '--only=only');
    expect(text).toContain('process 7 is at work; remove its file');
    expect(process.exitCode).toBe(200);
  } finally {
    process.exitCode = before;
  }
});
