import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HELD_AFTER_FAILURE, HELD_BY_USER } from '../runner/sweep/slurm.ts';

/** Debian puts them where a user's path does not look. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const find = (program: string): string | undefined => FOLDERS.map((folder) => path.join(folder, program)).find((file) => existsSync(file));

/** What a cluster is made of that this machine lacks; none: it can be started. */
export const missingPrograms = (): string[] =>
  ['slurmctld', 'slurmd', 'munged', 'sbatch', 'squeue', 'scontrol', 'scancel'].filter((program) => find(program) === undefined);

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Daemon = 'munged' | 'slurmctld' | 'n1' | 'n2';

/** A Slurm of this test's own on loopback: a controller, two nodes, and the service that vouches for users. */
export class SlurmCluster {
  readonly root = mkdtempSync(path.join(os.tmpdir(), 'slurm-'));
  readonly env: NodeJS.ProcessEnv = { ...process.env, SLURM_CONF: path.join(this.root, 'slurm.conf') };
  readonly #daemons = new Map<Daemon, ChildProcess>();

  /** @param lines more of slurm.conf */
  static async start(lines: readonly string[] = []): Promise<SlurmCluster> {
    const cluster = new SlurmCluster();
    await cluster.#configure(lines);
    for (const daemon of ['munged', 'slurmctld', 'n1', 'n2'] as const) await cluster.begin(daemon);
    for (let i = 0; i < 100; i++) {
      const { stdout } = cluster.run('sinfo', '--noheader', '--format=%D %t');
      if (/^2 idle/.test(stdout)) return cluster;
      await sleep(300);
    }
    const said = cluster.run('sinfo').stdout;
    await cluster.stop();
    throw new Error(`the nodes do not answer: ${said}`);
  }

  async #configure(lines: readonly string[]): Promise<void> {
    const at = (name: string): string => path.join(this.root, name);
    writeFileSync(at('key'), randomBytes(128));
    chmodSync(at('key'), 0o600);
    mkdirSync(at('state'));
    const [controller, first, second] = [await freePort(), await freePort(), await freePort()];
    const [host, user] = [os.hostname(), os.userInfo().username];
    const node = (name: string, port: number): string => `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=2`;
    writeFileSync(
      at('slurm.conf'),
      [
        'ClusterName=test',
        `SlurmctldHost=${host}(127.0.0.1)`,
        `SlurmctldPort=${controller}`,
        `SlurmUser=${user}`,
        `SlurmdUser=${user}`,
        'AuthType=auth/munge',
        // What is put back into the queue waits for its credential to expire, two minutes if nothing is said.
        `AuthInfo=socket=${at('munge.socket')},cred_expire=15`,
        `StateSaveLocation=${at('state')}`,
        `SlurmdSpoolDir=${at('spool-%n')}`,
        `SlurmctldPidFile=${at('slurmctld.pid')}`,
        `SlurmdPidFile=${at('slurmd-%n.pid')}`,
        // As with control groups, what is left of a job is killed once its script has ended.
        'ProctrackType=proctrack/pgid',
        'TaskPlugin=task/none',
        'JobAcctGatherType=jobacct_gather/none',
        'AccountingStorageType=accounting_storage/none',
        'SelectType=select/cons_tres',
        'SelectTypeParameters=CR_Core',
        'MpiDefault=none',
        'ReturnToService=2',
        'SchedulerParameters=sched_interval=2,batch_sched_delay=1,default_queue_depth=1000',
        node('n1', first),
        node('n2', second),
        ...lines,
        'PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP',
        '',
      ].join('\n'),
    );
  }

  /** Starts a daemon, again after {@link kill}. */
  async begin(daemon: Daemon): Promise<void> {
    const at = (name: string): string => path.join(this.root, name);
    const places = ['key-file=key', 'socket=munge.socket', 'pid-file=munge.pid', 'log-file=munge.log', 'seed-file=munge.seed'];
    const [program, argv] =
      daemon === 'munged'
        ? ['munged', ['--foreground', '--force', ...places.map((place) => `--${place.replace('=', `=${this.root}/`)}`)]]
        : daemon === 'slurmctld'
          ? ['slurmctld', ['-D', '-f', at('slurm.conf')]]
          : ['slurmd', ['-D', '-f', at('slurm.conf'), '-N', daemon]];
    this.#daemons.set(daemon, spawn(find(program)!, argv, { stdio: 'ignore', env: this.env }));
    if (daemon === 'munged') while (!existsSync(at('munge.socket'))) await sleep(50);
  }

  /**
   * Waits until the controller has written its queue since `since`: it does seconds after a change, and what it has not written dies with
   * it.
   */
  async saved(since: number): Promise<void> {
    const file = path.join(this.root, 'state', 'job_state');
    for (let i = 0; i < 300; i++) {
      if (existsSync(file) && statSync(file).mtimeMs > since) return;
      await sleep(100);
    }
    throw new Error(`${file} was not written in half a minute`);
  }

  /** Ends a daemon as a failing machine would. */
  kill(daemon: Daemon): void {
    this.#daemons.get(daemon)!.kill('SIGKILL');
  }

  run(program: string, ...argv: string[]): { stdout: string; stderr: string } {
    return spawnSync(find(program) ?? program, argv, { encoding: 'utf8', env: this.env });
  }

  /**
   * Waits until at least `count` jobs or elements run.
   * @param which options of squeue: those of a node or a partition alone
   */
  async running(count: number, ...which: string[]): Promise<void> {
    const argv = ['--noheader', '--array', '--states=RUNNING', '--format=%i', ...which];
    for (let i = 0; i < 600; i++) {
      const { stdout } = this.run('squeue', ...argv);
      if (stdout.split('\n').filter((line) => line.trim() !== '').length >= count) return;
      await sleep(200);
    }
    throw new Error(`waited in vain until ${count} jobs run: ${this.run('squeue').stdout}`);
  }

  /** A partition that is down takes jobs and begins none. */
  partition(name: string, state: 'UP' | 'DOWN'): void {
    this.run('scontrol', 'update', `PartitionName=${name}`, `State=${state}`);
  }

  /** A node goes down, and what ran there with it, until {@link comeBack}. */
  goDown(node: 'n1' | 'n2'): void {
    this.run('scontrol', 'update', `NodeName=${node}`, 'State=DOWN', 'Reason=test');
  }

  /** Takes a node back, again where Slurm was still clearing up what ran there. */
  async comeBack(node: 'n1' | 'n2'): Promise<void> {
    for (let i = 0; i < 120; i++) {
      const { stdout } = this.run('sinfo', '--noheader', `--nodes=${node}`, '--partition=main', '--format=%t');
      if (/^(idle|mix|alloc)$/.test(stdout.trim())) return;
      this.run('scontrol', 'update', `NodeName=${node}`, 'State=RESUME');
      await sleep(1000);
    }
    throw new Error(`${node} does not come back: ${this.run('scontrol', 'show', 'node', node).stdout}`);
  }

  /**
   * Waits until nothing is queued or running. Nodes tell what runs on them when they are asked to, and seldom else: a controller that was
   * killed may have forgotten that a job has ended.
   * @param held what a person does who sees that Slurm holds a job after a failure of a node or of the controller
   */
  async drained(seconds: number, held: () => void = () => {}): Promise<void> {
    for (let i = 0; i < 2 * seconds; i++) {
      const { stdout, stderr } = this.run('squeue', '--noheader', '--format=%i %r');
      if (stdout.trim() === '' && stderr === '') return;
      if (HELD_AFTER_FAILURE.test(stdout) || stdout.includes(HELD_BY_USER)) held();
      if (i % 60 === 59) this.run('scontrol', 'reconfigure');
      await sleep(500);
    }
    throw new Error(`after ${seconds} s the queue still has ${this.run('squeue').stdout}`);
  }

  async stop(): Promise<void> {
    this.run('scancel', '--me');
    await sleep(1000);
    for (const daemon of ['n1', 'n2', 'slurmctld', 'munged'] as const) this.kill(daemon);
    await sleep(500);
    rmSync(this.root, { recursive: true, force: true });
  }
}
