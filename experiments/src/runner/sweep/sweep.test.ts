import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, SlurmCluster } from '../../testing/slurm-cluster.ts';
import { Store } from '../store.ts';

/** CELLS=3000 ARRAY=101 SUBMITTED=250 KILLS=50 before a release: 45 cells a minute on two cores, where one takes 2.3 s of them to start. */
const [CELLS, ARRAY, SUBMITTED, KILLS] = [
  Number(process.env['CELLS'] ?? 12),
  Number(process.env['ARRAY'] ?? 4),
  Number(process.env['SUBMITTED'] ?? 8),
  Number(process.env['KILLS'] ?? 1),
];
const PROGRAM = ['--conditions=controllab', '--import', 'tsx', new URL('../../testing/cells.ts', import.meta.url).pathname, 'cells'];

let root: string;
// What sbatch would put something else in for, were it not told to leave it.
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'sweep-100%j-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const cells = (name: string, env: NodeJS.ProcessEnv, ...argv: string[]) => {
  const places = [`--store=${path.join(root, name, 'store')}`, `--reports=${path.join(root, name, 'reports')}`];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...PROGRAM, ...places, ...argv], { encoding: 'utf8', env });
  return { said: `${stdout}${stderr}`, status };
};
/** The report but for what may differ between identical runs. */
const results = (name: string): string => {
  const folder = path.join(root, name, 'reports', 'cells');
  const text = readFileSync(path.join(folder, readdirSync(folder)[0]!, 'results.json'), 'utf8');
  return text.slice(0, text.lastIndexOf('"provenance"'));
};
const sweepFolder = (name: string): string => {
  const folder = path.join(root, name, 'store', 'sweeps');
  return path.join(folder, readdirSync(folder)[0]!);
};
interface Submitted {
  tasks: string[];
  arrays: { id: string }[];
  reduce: string;
}
const roundsOf = (name: string): Submitted[] =>
  (JSON.parse(readFileSync(path.join(sweepFolder(name), 'sweep.json'), 'utf8')) as { rounds: Submitted[] }).rounds;
/** The round in which a task was submitted first. */
const roundOf = (name: string, task: string): number => roundsOf(name).findIndex(({ tasks }) => tasks.includes(task));
/** How often each cell was computed: a mark each time. */
const computed = (name: string): string[] => {
  const folder = path.join(root, name, 'store', 'computed');
  return readdirSync(folder).map((cell) => readFileSync(path.join(folder, cell), 'utf8'));
};
const logs = (name: string, pattern: RegExp): string =>
  readdirSync(sweepFolder(name))
    .filter((file) => pattern.test(file))
    .map((file) => readFileSync(path.join(sweepFolder(name), file), 'utf8'))
    .join('\n');

describe('without a cluster', () => {
  it('says that there is none, and refuses options of a cluster by name', () => {
    const nowhere = cells('none', { ...process.env, PATH: '/nonexistent' }, '--launcher=slurm');
    expect(nowhere.said).toMatch(/squeue cannot be started here .*--launcher=local computes on this machine/);
    expect(nowhere.status).toBe(1);
    expect(cells('none', process.env, '--partition=gpu').said).toMatch(/--partition is for --launcher=slurm/);
    expect(cells('none', process.env, '--launcher=slurm', '--jobs=2').said).toMatch(/--jobs is for this machine/);
  });
});

/** A second partition, whose jobs push those of the first aside. */
const PREEMPTION = [
  'PreemptType=preempt/partition_prio',
  'PreemptMode=REQUEUE',
  'PartitionName=urgent Nodes=n1,n2 PriorityTier=10 MaxTime=INFINITE State=UP',
];

const missing = missingPrograms();
if (missing.length > 0) console.warn(`no Slurm here (${missing.join(', ')}): its test is skipped`);

describe.skipIf(missing.length > 0)('on a Slurm of two nodes', () => {
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await SlurmCluster.start([`MaxArraySize=${ARRAY}`, ...PREEMPTION]);
    return () => cluster.stop();
  });

  it(
    'outlives controller, node and tasks that are killed; computes each cell once; names the one that failed',
    { timeout: 600_000 + 10_000 * CELLS },
    async () => {
      const sized = [`--cells=${CELLS}`, '--fail=3', '--work=2000'];
      const onCluster = ['--launcher=slurm', '--partition=main', '--time=30', `--max-submitted=${SUBMITTED}`];
      // Nothing may begin, and so end, before what is in the queue has been looked at.
      cluster.partition('main', 'DOWN');
      const begun = cells('slurm', cluster.env, ...sized, ...onCluster);
      expect(begun.said).toMatch(new RegExp(`of ${CELLS} missing tasks submitted as \\d+ arrays, the other \\d+ follow`));
      // As it stands when the controller has forgotten that it may run.
      const rounds = roundsOf('slurm');
      const submitted = Date.now();
      cluster.run('scontrol', 'uhold', rounds[0]!.reduce);
      expect(cells('slurm', cluster.env, ...sized, ...onCluster).said).toMatch(
        /in the queue already, .* nothing is submitted twice; job \d+, held .* may run again/,
      );
      expect(cluster.run('squeue', '--noheader', `--jobs=${rounds[0]!.reduce}`, '--format=%r|%E').stdout).toMatch(
        /^(None|Dependency|PartitionDown)\|afterany:/,
      );
      await cluster.saved(submitted);
      cluster.partition('main', 'UP');

      await killTasks(path.join(root, 'slurm'), KILLS);
      cluster.kill('slurmctld');
      cluster.kill('n2');
      await sleep(1500);
      await cluster.begin('slurmctld');
      await cluster.begin('n2');
      const again = (): void => void cells('slurm', cluster.env, ...sized, ...onCluster);
      await cluster.drained(CELLS * 20 + 200, again);

      const last = logs('slurm', /^reduce-\d+\.log$/);
      expect(last).toMatch(new RegExp(`1 of ${CELLS} tasks are missing, the others are stored`));
      expect(last).toMatch(/cell-3: failed with code 1 \(.*\.log\)\n\s+cell 3 has no value today/);
      expect(existsSync(path.join(root, 'slurm', 'reports', 'cells'))).toBe(false);

      const mended = cells('slurm', { ...cluster.env, CELLS_MEND: '1' }, ...sized, ...onCluster);
      expect(mended.said).toMatch(/1 of 1 missing tasks submitted/);
      await cluster.drained(200, again);
      const local = cells('local', { ...process.env, CELLS_MEND: '1' }, ...sized.slice(0, 2), '--work=0', '--launcher=local', '--jobs=1');
      expect(local.status, local.said).toBe(0);
      expect(results('slurm')).toBe(results('local'));
      expect(roundOf('slurm', 'cell-1')).toBeGreaterThan(roundOf('slurm', 'cell-0'));
      expect(roundOf('slurm', 'cell-2')).toBe(roundOf('slurm', 'cell-0'));
      expect(computed('slurm')).toEqual(new Array(CELLS).fill('x'));
    },
  );

  it('computes once what another job pushed aside, and what ran on a node that went down', { timeout: 600_000 }, async () => {
    // However slow this machine is, nothing ends before its time.
    const until = path.join(root, 'back');
    const submit = (): void => void cells('aside', cluster.env, '--cells=6', `--until=${until}`, '--launcher=slurm', '--partition=main');
    submit();
    await cluster.running(2);
    const restarts = (): number => {
      const own = new Set(roundsOf('aside').flatMap(({ arrays, reduce }) => [reduce, ...arrays.map(({ id }) => id)]));
      const jobs = cluster.run('scontrol', 'show', 'jobs').stdout.split(/\n\n/);
      return jobs
        .filter((job) => own.has(/(?:ArrayJobId|JobId)=(\d+)/.exec(job.replace(/^JobId=\d+ (?=ArrayJobId)/, ''))?.[1] ?? ''))
        .reduce((sum, job) => sum + Number(/Restarts=(\d+)/.exec(job)?.[1] ?? 0), 0);
    };
    const begun = restarts();
    cluster.run('sbatch', '--partition=urgent', '--nodes=2', '--exclusive', '--output=/dev/null', '--wrap=sleep 2');
    const restartsAbove = async (before: number): Promise<void> => {
      for (let i = 0; i < 300 && restarts() <= before; i++) await sleep(200);
      expect(restarts()).toBeGreaterThan(before);
    };
    await restartsAbove(begun);

    await cluster.running(1, '--nodelist=n2', '--partition=main');
    const pushed = restarts();
    cluster.goDown('n2');
    await restartsAbove(pushed);
    await cluster.comeBack('n2');
    writeFileSync(until, '');
    await cluster.drained(400, submit);
    expect(computed('aside')).toEqual(new Array(6).fill('x'));
    expect(results('aside')).toContain('6 cells');
  });

  it('is taken out of the queue by cancel, and goes on by resume', { timeout: 600_000 }, async () => {
    const resumed = path.join(root, 'resumed');
    cells('cancelled', cluster.env, '--cells=4', `--until=${resumed}`, '--launcher=slurm');
    await cluster.running(1);
    const sweep = (action: string) =>
      new Promise<string>((resolve) => {
        const argv = ['--conditions=controllab', '--import', 'tsx', new URL('../../testing/cells.ts', import.meta.url).pathname];
        const child = spawn(process.execPath, [...argv, `sweep ${action}`, `--store=${path.join(root, 'cancelled', 'store')}`], {
          env: cluster.env,
        });
        let said = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
        child.once('close', () => resolve(said));
      });
    expect(await sweep('status')).toMatch(/1 round submitted; in the queue: .*running[^]*cell-3/);
    expect(await sweep('cancel')).toMatch(/jobs and elements cancelled/);
    await cluster.drained(60);
    expect(existsSync(path.join(root, 'cancelled', 'store', 'computed'))).toBe(false);
    // As a node leaves it that fails: of an element that the queue has no longer, on another host.
    const cell = new Store(path.join(root, 'cancelled', 'store'), { commit: null, say: () => {} }).directory('dummy', { cell: 2 });
    const slurm = { cluster: 'test', user: process.getuid!(), id: `${roundsOf('cancelled')[0]!.arrays[0]!.id}_0`, restarts: 0 };
    mkdirSync(cell, { recursive: true });
    writeFileSync(
      path.join(cell, 'lock-00000000-0000-4000-8000-0000000000fa'),
      JSON.stringify({ host: 'far-away', space: 'pid', pid: 7, started: 'then', slurm }),
    );
    writeFileSync(resumed, '');
    expect(await sweep('resume')).toMatch(/missing tasks submitted/);
    await cluster.drained(200, () => void sweep('resume'));
    expect(results('cancelled')).toContain('4 cells');
  });
});

/** Kills the programs of tasks that are running, as a machine out of memory would. */
async function killTasks(place: string, count: number): Promise<void> {
  const killed = new Set<string>();
  for (let i = 0; i < 300 * count; i++) {
    for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${id}/cmdline`, 'utf8');
        if (killed.has(id) || !line.includes(place) || !line.includes('--only') || !line.startsWith(process.execPath)) continue;
        process.kill(Number(id), 'SIGKILL');
      } catch {
        // It ended meanwhile.
        continue;
      }
      killed.add(id);
      if (killed.size === count) return;
    }
    await sleep(100);
  }
  throw new Error(`${killed.size} tasks came to run, not ${count}`);
}
