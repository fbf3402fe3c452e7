import os from 'node:os';
import path from 'node:path';
import { Command, Option } from 'commander';
import { integer, providerOption, seed as parseSeed, shellText, userPath, workspaceRoot } from '@controllab/command-line';
import { jsonHash, plainJson, plainLines, type Json } from '@controllab/data';
import {
  checkIndexFolder,
  checkReportFolder,
  claimsTable,
  currentCommit,
  machine,
  textTable,
  writeIndex,
  writeReport,
} from '@controllab/report';
import { providers, recordNetworkRuns, useTfjsBackend, type CompileOptions, type TfjsBackend } from '@controllab/tfjs-onnx';
import { ExperimentError } from './errors.ts';
import type { Job, JobContext } from './job.ts';
import { numericsOf, runText, type Numerics } from './numerics.ts';
import { Store } from './store.ts';
import { Sweep } from './sweep/sweep.ts';
import { runTasks } from './workers.ts';

/** The runner's own options. */
interface RunnerFlags {
  profile: string;
  seed?: number;
  engine?: 'onnx' | 'tfjs';
  provider?: CompileOptions['provider'];
  threads?: number;
  jobs?: number;
  only?: string;
  list?: boolean;
  launcher?: 'local' | 'slurm';
  partition?: string;
  time?: string;
  memory?: string;
  maxSubmitted?: number;
  reduce?: boolean;
  fresh?: boolean;
  store?: string;
  reports?: string;
  overwrite?: boolean;
}

/** The command of a job. */
export function jobCommand<P, R>(job: Job<P, R>): Command {
  const names = Object.keys(job.profiles);
  const command = new Command(job.id)
    .description(job.description)
    .addOption(new Option('--profile <name>', 'how much to compute').choices(names).default(names[0]!));
  if (job.seeded) command.option('--seed <integer>', 'seed of initialisation, data order and sampling noise', parseSeed, 1);
  if (job.engines === 'onnx or tfjs')
    command.addOption(
      new Option('--engine <name>', 'onnx compiles the graphs, tfjs runs them eagerly on the installed TensorFlow.js backend')
        .choices(['onnx', 'tfjs'])
        .default('onnx'),
    );
  if (job.engines !== null) {
    command.addOption(providerOption(providers));
    command.option('--threads <count>', 'threads of every computation (part of what identifies a training)', integer(1));
  }
  if (job.tasks !== undefined) {
    command
      .option('--jobs <count>', 'trainings computed at a time, each in a process of its own', integer(1))
      .option('--only <task>', 'compute one task and stop: what a cluster calls')
      .option('--list', 'name the tasks, and which of them the store has')
      .addOption(
        new Option('--launcher <name>', 'who computes the tasks: this machine, --jobs at a time, or a Slurm cluster that shares the store')
          .choices(['local', 'slurm'])
          .default('local'),
      )
      .option('--partition <name>', 'of the cluster')
      .option('--time <limit>', 'of a task on the cluster, as sbatch has it: minutes, hours:minutes:seconds or days-hours')
      .option('--memory <size>', 'of a task on the cluster, as sbatch has it: 4G')
      .option('--max-submitted <count>', 'jobs and elements of arrays that the sweep may have in the queue at a time', integer(3))
      .option('--reduce', 'write the report if every task is there, else continue or say what is missing: what a cluster calls');
  }
  command
    .option('--store <folder>', 'where everything computed is kept, shared by all experiments (default: runs/store)')
    .option('--reports <folder>', 'where the report goes, in a folder of its own (default: reports)')
    .option('--overwrite', 'write the report into a folder that holds other files too: only those of its names are replaced', false);
  if (job.anew === true) command.option('--fresh', 'measure anew what an interrupted run has measured', false);
  for (const option of job.options ?? []) command.addOption(option);
  return command.action(async (flags: RunnerFlags & Record<string, unknown>) => {
    await runJob(job, flags);
  });
}

/**
 * How many trainings run at a time, and with how many threads each: part of what identifies them, so no accident of the machine may change
 * it.
 */
export function share(trainings: number, { jobs, threads }: Pick<RunnerFlags, 'jobs' | 'threads'>): { jobs: number; threads: number } {
  const cores = os.availableParallelism();
  const atATime = jobs ?? (trainings > 1 ? Math.min(cores, trainings) : 1);
  // One thread wherever several trainings could run side by side: two single-threaded ones are half as fast again as one with two threads.
  return { jobs: atATime, threads: threads ?? (trainings > 1 && jobs !== 1 ? 1 : cores) };
}

/** Runs a job and writes its report. @returns the report's folder; null with --only and --list, and where a cluster goes on with it */
export async function runJob<P, R>(job: Job<P, R>, flags: RunnerFlags & Record<string, unknown>): Promise<string | null> {
  checkLauncher(flags);
  checkPart(flags);
  const [started, startedAt] = [performance.now(), new Date().toISOString()];
  const say = (message: string): void => void process.stdout.write(`${plainLines(message)}\n`);
  const own = Object.fromEntries((job.options ?? []).map((option) => [option.attributeName(), flags[option.attributeName()]]));
  const whole = job.profiles[flags.profile]!;
  const profile = job.chosen?.(whole, own) ?? whole;
  job.check?.({ profile, profileName: flags.profile, flags: own });
  const { jobs, threads } = share(job.trainings?.(profile) ?? 1, flags);
  const engine: CompileOptions = { engine: flags.engine ?? 'onnx', provider: flags.provider ?? 'cpu', threads };
  const commit = currentCommit();
  const store = new Store(flags.store === undefined ? path.join(workspaceRoot, 'runs', 'store') : userPath(flags.store), { commit, say });
  const numerics = numericsOf(engine, await eagerBackend(engine, say));
  const context = contextOf(job, { profile, flags, own, engine, numerics, store, say });

  if (flags.list === true) return list(job, context.at);
  if (flags.only !== undefined) return await only(job, context.at, flags.only);
  const reports = flags.reports === undefined ? path.join(workspaceRoot, 'reports') : userPath(flags.reports);
  const directory = path.join(reports, job.id, folderName(job, context.at));
  const overwrite = flags.overwrite === true;
  await checkReportFolder(directory, { overwrite });
  await checkIndexFolder(reports);
  if (flags.fresh === true) await context.forget();
  if (flags.launcher === 'slurm' && (await launch(job, context.at, flags, threads)) === 'continues') return null;
  for (const line of job.plan?.(profile, { ...own, seed: flags.seed }) ?? []) say(line);
  const tasks = job.tasks === undefined ? [] : await job.tasks(context.at);
  const untouched = tasks.every((task) => !task.done());
  if (jobs > 1) await runTasks(tasks, { jobs, argv: childArguments(job, flags, threads), say });

  const { value: result, runs } = await recordNetworkRuns(() => job.run(context.at));
  const report = await job.report(result, context.at);
  const sources = job.sources(result, runs);
  // Workers compute trainings before this process asks for them: what counts is when they were finished.
  const trainings = sources.trainings?.map((one) => ({ ...one, cached: one.finishedAt < startedAt }));
  const isWhole = untouched && !context.resumed() && (trainings ?? []).every(({ cached, seconds }) => !cached && seconds !== null);
  const claims = report.claims.length === 0 ? [] : [claimsTable(report.claims)];
  for (const table of [...(job.tables?.(result) ?? []), ...claims]) say(`\n${textTable(table)}`);
  const document = {
    id: job.id,
    ...report,
    provenance: {
      commit,
      profile: flags.profile,
      configHash: context.hash.slice(0, 16),
      engine:
        job.engines === null
          ? 'none'
          : `${numerics.engine} ${numerics.provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'} a computation`,
      machine: machine(),
      wallSeconds: isWhole ? Math.round((performance.now() - started) / 1000) : null,
      finishedAt: new Date().toISOString(),
      command: commandText(job, flags, own, threads),
      networks: runs.map((run) => ({ name: run.name, hash: null, engine: runText(run, numerics) })),
      ...sources,
      ...(trainings === undefined ? {} : { trainings }),
    },
  };
  await writeReport(directory, document, { overwrite });
  await writeIndex(reports);
  if (job.anew === true) await context.forget();
  say(`report: ${path.relative(process.cwd(), path.join(directory, 'index.html'))}`);
  return directory;
}

/** The TensorFlow.js backend of `--engine=tfjs`, made the current one; null for the engine that compiles. */
async function eagerBackend({ engine, provider, threads }: CompileOptions, say: (message: string) => void): Promise<TfjsBackend | null> {
  if (engine !== 'tfjs') return null;
  if (provider !== 'cpu')
    throw new ExperimentError(
      'invalid-option',
      `--provider=${provider} is one of ONNX Runtime's; --engine=tfjs runs on the backend that is installed`,
      {
        provider,
      },
    );
  const backend = await useTfjsBackend({ threads });
  say(backend.note ?? `tfjs runs on ${backend.runtime}`);
  return backend;
}

/** Runs that differ in seed or in the job's own options get folders of their own: none overwrites another's report. */
function folderName<P, R>(job: Job<P, R>, at: JobContext<P>): string {
  const given = (job.options ?? []).flatMap((option) => {
    const [name, value] = [option.attributeName(), at.flags[option.attributeName()]];
    return value === undefined || JSON.stringify(value) === JSON.stringify(option.defaultValue)
      ? []
      : [`${kebab(name)}-${slug(String(value))}`];
  });
  return [at.profileName, ...(job.seeded ? [`seed-${at.seed}`] : []), ...given].join('-');
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** The context of a job, what identifies its stages, and how they are forgotten. */
function contextOf<P, R>(
  job: Job<P, R>,
  given: {
    profile: P;
    flags: RunnerFlags;
    own: Record<string, unknown>;
    engine: CompileOptions;
    numerics: Numerics;
    store: Store;
    say(message: string): void;
  },
): { at: JobContext<P>; hash: string; resumed(): boolean; forget(): Promise<void> } {
  const { profile, flags, own, engine, numerics, store, say } = given;
  let resumed = false;
  const stages: string[] = [];
  const at: JobContext<P> = {
    profile,
    profileName: flags.profile,
    seed: flags.seed ?? 1,
    flags: own,
    engine,
    numerics,
    store,
    say,
    stage: async (name, compute) => {
      stages.push(name);
      const stored = await store.cell(`stage-${job.id}`, stageIdentity(name), async () => ({ value: await compute() }));
      resumed ||= stored.cached;
      return stored.value;
    },
  };
  const run: Json = {
    job: job.id,
    profile: plainJson(profile),
    seed: at.seed,
    flags: plainJson(own),
    numerics: plainJson(numerics),
    of: job.identity?.(at) ?? null,
  };
  const stageIdentity = (name: string): Json => ({ run, stage: name });
  return {
    at,
    hash: jsonHash(run),
    resumed: () => resumed,
    forget: () => store.forgetAll(`stage-${job.id}`, (identity) => jsonHash((identity as { run?: Json }).run ?? null) === jsonHash(run)),
  };
}

async function list<P, R>(job: Job<P, R>, at: JobContext<P>): Promise<null> {
  for (const task of await job.tasks!(at)) at.say(`${task.done() ? 'done' : '    '}  ${task.id}  ${task.label}`);
  return null;
}

async function only<P, R>(job: Job<P, R>, at: JobContext<P>, id: string): Promise<null> {
  const tasks = await job.tasks!(at);
  const task = tasks.find((one) => one.id === id);
  if (task === undefined)
    throw new ExperimentError('invalid-option', `${job.id}: there is no task '${id}'. Tasks: ${tasks.map((one) => one.id).join(', ')}.`, {
      id,
    });
  try {
    await task.run();
  } catch (error) {
    if (!(error instanceof ExperimentError) || error.code !== 'locked') throw error;
    process.stderr.write(`\n${plainLines(error.message)}\n`);
    process.exitCode = WAITED_IN_VAIN;
  }
  return null;
}

/** Of a task that is unfinished and not failed, as one is that a signal ended, and that no signal has. */
const WAITED_IN_VAIN = 200;

/** @throws ExperimentError invalid-option for options of a cluster without one */
function checkLauncher({ launcher, partition, time, memory, maxSubmitted, reduce, jobs }: RunnerFlags): void {
  const given = Object.entries({ partition, time, memory, maxSubmitted, reduce }).find(([, value]) => value !== undefined);
  if (launcher !== 'slurm' && given !== undefined)
    throw new ExperimentError('invalid-option', `--${kebab(given[0])} is for --launcher=slurm, which is not given`, { option: given[0] });
  if (launcher === 'slurm' && jobs !== undefined)
    throw new ExperimentError(
      'invalid-option',
      '--jobs is for this machine; on a cluster --max-submitted says how many are in the queue',
      {},
    );
}

/** @throws ExperimentError invalid-option for what --list and --only would not heed, which write no report and measure nothing anew */
function checkPart({ list, only, fresh, reduce }: RunnerFlags): void {
  const part = list === true ? 'list' : only === undefined ? null : 'only';
  const given = { only: part === 'list' && only !== undefined, fresh: fresh === true, reduce: reduce === true };
  const vain = Object.entries(given).find(([, isGiven]) => isGiven);
  if (part === null || vain === undefined) return;
  const does = part === 'list' ? 'names the tasks' : 'computes one task';
  throw new ExperimentError('invalid-option', `--${part} ${does} and stops: leave --${vain[0]} out`, { option: vain[0] });
}

/**
 * Submits a job's missing tasks to Slurm, or looks after a round at what came of it.
 * @returns whether the sweep goes on without us, or all is there and the report is ours to write
 */
async function launch<P, R>(
  job: Job<P, R>,
  at: JobContext<P>,
  flags: RunnerFlags & Record<string, unknown>,
  threads: number,
): Promise<'complete' | 'continues'> {
  const tasks = await job.tasks!(at);
  const told = childArguments(job, { ...flags, store: at.store.root }, threads);
  // The report's places too: the job that writes it is the cluster's.
  const argv = [
    ...told,
    ...(flags.reports === undefined ? [] : [`--reports=${userPath(flags.reports)}`]),
    ...(flags.overwrite === true ? ['--overwrite'] : []),
    '--launcher=slurm',
    ...(['partition', 'time', 'memory', 'maxSubmitted'] as const).flatMap((name) =>
      flags[name] === undefined ? [] : [`--${kebab(name)}=${flags[name]}`],
    ),
  ];
  const sweep = Sweep.of(at.store.root, job.id, told);
  const { partition, time, memory, maxSubmitted } = flags;
  const given = {
    job: job.id,
    argv,
    program: [process.execPath, ...process.execArgv, path.resolve(process.argv[1]!), ...argv],
    options: {
      cpus: threads,
      ...(partition === undefined ? {} : { partition }),
      ...(time === undefined ? {} : { time }),
      ...(memory === undefined ? {} : { memory }),
      ...(maxSubmitted === undefined ? {} : { maxSubmitted }),
    },
  };
  const said = flags.reduce === true ? await sweep.next(tasks, given) : await sweep.submit(tasks, { ...given, begins: true });
  if (said === null) return 'complete';
  at.say(said);
  return 'continues';
}

/** A job's command line for one of its tasks: the same values, written out. */
function childArguments<P, R>(job: Job<P, R>, flags: RunnerFlags & Record<string, unknown>, threads: number): string[] {
  const passed = Object.entries({ ...flags, ...(job.engines === null ? {} : { threads }) }).filter(
    ([name, value]) => value !== undefined && value !== false && !PARENTS.has(name),
  );
  return [job.id, ...passed.map(([name, value]) => wordOf(name, value))];
}

const wordOf = (name: string, value: unknown): string => (value === true ? `--${kebab(name)}` : `--${kebab(name)}=${String(value)}`);

/** What only the process that writes the report is told. */
const PARENTS = new Set([
  ...['jobs', 'only', 'list', 'fresh', 'reports', 'overwrite'],
  ...['launcher', 'partition', 'time', 'memory', 'maxSubmitted', 'reduce'],
]);
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The command that makes the report again: what differs from the defaults. */
function commandText<P, R>(job: Job<P, R>, flags: RunnerFlags, own: Readonly<Record<string, unknown>>, threads: number): string {
  const given: Record<string, unknown> = {
    profile: flags.profile,
    ...(job.seeded ? { seed: flags.seed } : {}),
    ...(flags.engine === 'tfjs' ? { engine: 'tfjs' } : {}),
    ...(flags.provider === undefined || flags.provider === 'cpu' ? {} : { provider: flags.provider }),
    // One training at a time has all cores, and threads are part of what identifies it.
    ...(flags.threads === undefined && flags.jobs !== 1 ? {} : { threads }),
    ...Object.fromEntries(
      (job.options ?? []).flatMap((option) =>
        JSON.stringify(own[option.attributeName()]) === JSON.stringify(option.defaultValue)
          ? []
          : [[option.attributeName(), own[option.attributeName()]]],
      ),
    ),
  };
  const words = Object.entries(given).flatMap(([name, value]) => (value === undefined || value === false ? [] : [wordOf(name, value)]));
  return shellText(['npx', 'nx', 'run', `experiments:${job.id}`, ...words]);
}
