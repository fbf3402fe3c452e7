import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { heldText, Lock } from './lock.ts';
import { processStart } from './process-start.ts';

let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'lock-'));
  directory = path.join(root, 'locked');
  mkdirSync(directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const script = (body: string): string[] => [
  '--conditions=controllab',
  '--import',
  'tsx',
  '--input-type=module',
  '-e',
  `import { Lock } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};\n${body}`,
];
const owner = (over: object): string =>
  JSON.stringify({
    host: os.hostname(),
    space: readlinkSync('/proc/self/ns/pid'),
    pid: process.pid,
    started: processStart(process.pid),
    ...over,
  });

const job = { cluster: 'test', user: process.getuid?.() ?? -1, restarts: 0 };
/** A cluster's squeue that says the same of every job. */
const squeueSays = (said: string): void => {
  writeFileSync(path.join(root, 'squeue'), `#!/bin/sh\n${said}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${root}:${process.env['PATH']}`);
  vi.stubEnv('SLURM_CLUSTER_NAME', 'test');
};

describe('Lock', () => {
  it('is had by one at a time, and by the next when it is released', async () => {
    const first = await Lock.acquire(directory);
    if (!(first instanceof Lock)) throw new Error('not acquired');
    expect(await Lock.acquire(directory)).toMatchObject({ owner: { pid: process.pid, host: os.hostname() } });
    first.release();
    expect(readdirSync(directory)).toEqual([]);
    const second = await Lock.acquire(directory);
    expect(second).toBeInstanceOf(Lock);
  });

  it('is taken over from a process that was killed', async () => {
    const child = spawn(
      process.execPath,
      script(`await Lock.acquire(${JSON.stringify(directory)}); console.log('mine'); setInterval(() => {}, 1000);`),
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(await Lock.acquire(directory)).toMatchObject({ owner: { pid: child.pid } });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
  });

  it('is no longer held where the number of its owner was given to another process', async () => {
    const lock = await Lock.acquire(directory);
    const [file] = readdirSync(directory);
    const mine = JSON.parse(readFileSync(path.join(directory, file!), 'utf8')) as object;
    (lock as Lock).release();
    writeFileSync(
      path.join(directory, 'lock-00000000-0000-4000-8000-000000000001'),
      JSON.stringify({ ...mine, started: 'another boot/1' }),
    );
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
    expect(readdirSync(directory)).not.toContain('lock-00000000-0000-4000-8000-000000000001');
  });

  it('that a power cut left half of is nobody’s', async () => {
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-000000000002'), '{"host":');
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('takes no file of somebody else’s for a lock, whatever it is called', async () => {
    const names = ['lock-screen.png', 'want-list.txt', 'lock-00000000-0000-4000-8000-000000000000.bak'];
    for (const name of names) writeFileSync(path.join(directory, name), 'mine');
    const lock = await Lock.acquire(directory);
    expect(lock).toBeInstanceOf(Lock);
    (lock as Lock).release();
    expect(readdirSync(directory).sort()).toEqual(names.sort());
  });

  it('is held while work is done, let go of when it fails, and waited for as long as was said', async () => {
    const refuse = ({ file }: { file: string }): Error => new Error(`held by ${path.basename(file)}`);
    const order: string[] = [];
    let fail = (): void => {};
    const failing = new Promise<never>((_, reject) => (fail = () => reject(new Error('failed'))));
    let first: Promise<unknown> | undefined;
    await new Promise<void>((inside) => {
      const work = (): Promise<never> => {
        order.push('first');
        inside();
        return failing;
      };
      first = Lock.holding(directory, work, { refuse }).catch((error: Error) => order.push(error.message));
    });
    await expect(Lock.holding(directory, () => 1, { refuse })).rejects.toThrow(/^held by lock-/);
    const between = async (): Promise<void> => {
      order.push('waiting');
      fail();
      await first;
    };
    await Lock.holding(directory, () => order.push('second'), { refuse, tries: 2, between });
    expect(order).toEqual(['first', 'waiting', 'failed', 'second']);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('of another host is never taken for a dead one’s', async () => {
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'), owner({ host: 'far-away', pid: 999_999_999 }));
    expect(await Lock.acquire(directory)).toMatchObject({
      owner: { host: 'far-away' },
      file: path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'),
      certain: false,
    });
    expect(readdirSync(directory)).toEqual(['lock-00000000-0000-4000-8000-0000000000fa']);
  });

  const hasMachineId = existsSync('/etc/machine-id') && readFileSync('/etc/machine-id', 'utf8').trim() !== '';
  it.skipIf(!hasMachineId)('of another host of the same name is never taken for a dead one’s', async () => {
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'), owner({ machine: 'another', pid: 999_999_999 }));
    const held = await Lock.acquire(directory);
    if (held instanceof Lock) throw new Error('acquired');
    expect(held).toMatchObject({ owner: { machine: 'another' }, certain: false });
    expect(heldText(directory, held)).toContain(`process 999999999 on another host named ${os.hostname()}`);
  });

  it.each([
    ['11', 'that the queue no longer has', 'exit 0'],
    ['12', 'that the controller has forgotten', 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1'],
    ['13_4', 'that has been started again since', 'echo "1                   "'],
  ])('of another host is taken over from a job of Slurm, %s, %s', async (id, _, said) => {
    squeueSays(said);
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'), owner({ host: 'far-away', slurm: { ...job, id } }));
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
    expect(readdirSync(directory)).not.toContain('lock-00000000-0000-4000-8000-0000000000fa');
  });

  it.each([
    ['a job that runs', true, 'echo 0', { ...job, id: '21' }],
    ['one of which the controller says nothing', false, 'echo "Unable to contact slurm controller" >&2; exit 1', { ...job, id: '22' }],
    ['one of another cluster', false, 'exit 0', { ...job, id: '23', cluster: 'other' }],
    ['one of another user, whose jobs may be hidden', false, 'exit 0', { ...job, id: '24', user: job.user + 1 }],
    ['what is no job', false, 'exit 0', { ...job, id: '$(reboot)' }],
  ])('of another host is left to %s', async (_, certain, said, slurm) => {
    squeueSays(said);
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'), owner({ host: 'far-away', slurm }));
    expect(await Lock.acquire(directory)).toMatchObject({ owner: { host: 'far-away' }, certain });
    expect(readdirSync(directory)).toEqual(['lock-00000000-0000-4000-8000-0000000000fa']);
  });

  it('says by which run of a job of Slurm it is held, and is taken over by the next run on another node', async () => {
    // It knows that by itself.
    squeueSays('exit 1');
    for (const [name, value] of Object.entries({
      SLURMD_NODENAME: 'n1',
      SLURM_JOB_ID: '32',
      SLURM_ARRAY_JOB_ID: '31',
      SLURM_ARRAY_TASK_ID: '4',
    }))
      vi.stubEnv(name, value);
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
    const [file] = readdirSync(directory);
    const mine = JSON.parse(readFileSync(path.join(directory, file!), 'utf8')) as object;
    expect(mine).toMatchObject({ slurm: { ...job, id: '31_4' } });
    rmSync(path.join(directory, file!));
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa'), JSON.stringify({ ...mine, host: 'far-away' }));
    vi.stubEnv('SLURM_RESTART_COUNT', '1');
    expect(await Lock.acquire(directory)).toBeInstanceOf(Lock);
  });

  it.each([
    ['killed one’s', { pid: 1, started: 'never' }],
    ['job’s that is over', { host: 'far-away', slurm: { ...job, id: '41' } }],
  ])('never has two owners, however many contend for a %s', async (_, dead) => {
    squeueSays('exit 0');
    const racers = 4;
    // RACES=1000 before a release.
    const rounds = Number(process.env['RACES'] ?? 25);
    // Each racer notes when it holds the lock and when it lets go; the notes must not overlap. Every round a dead owner's lock lies there
    // too.
    const body = `
      import { randomUUID } from 'node:crypto';
      import { appendFileSync, writeFileSync, mkdirSync } from 'node:fs';
      const root = ${JSON.stringify(directory)};
      for (let round = 0; round < ${rounds}; round++) {
        const folder = root + '/' + round;
        mkdirSync(folder, { recursive: true });
        writeFileSync(folder + '/lock-' + randomUUID(), ${JSON.stringify(owner(dead))});
        for (let got = false; !got; ) {
          const lock = await Lock.acquire(folder);
          if (!(lock instanceof Lock)) { await new Promise((resolve) => setTimeout(resolve, 1)); continue; }
          got = true;
          appendFileSync(folder + '/log', 'in\\n');
          await new Promise((resolve) => setTimeout(resolve, 1));
          appendFileSync(folder + '/log', 'out\\n');
          lock.release();
        }
      }`;
    const codes = await Promise.all(
      Array.from(
        { length: racers },
        () => new Promise((resolve) => spawn(process.execPath, script(body), { stdio: 'inherit' }).once('exit', resolve)),
      ),
    );
    expect(codes).toEqual(Array(racers).fill(0));
    for (let round = 0; round < rounds; round++) {
      const log = readFileSync(path.join(directory, String(round), 'log'), 'utf8');
      expect(log, `round ${round}`).toBe('in\nout\n'.repeat(racers));
      expect(readdirSync(path.join(directory, String(round)))).toEqual(['log']);
    }
  });
});
