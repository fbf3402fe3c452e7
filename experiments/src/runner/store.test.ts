import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asLesserUser, hasLesserUser } from '@controllab/data/testing/lesser-user';
import { Store, type Computed } from './store.ts';

let root: string;
let said: string[];
let store: Store;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'store-'));
  said = [];
  store = new Store(root, { commit: 'abc', say: (message) => said.push(message) });
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

const never = (): Promise<never> => Promise.reject(new Error('computed again'));
const value =
  <T>(of: T) =>
  async (): Promise<Computed<T>> => ({ value: of });
const withFile = async (directory: string): Promise<Computed<number>> => {
  writeFileSync(path.join(directory, 'weights'), 'w');
  writeFileSync(path.join(directory, 'log.jsonl'), 'scaffolding');
  return { value: 1, files: ['weights'] };
};

/** Another process that works on the same cell until it is killed, or until a file `go` appears. */
const startOther = async (): Promise<ChildProcess> => {
  const script = `
    import { existsSync } from 'node:fs';
    import { Store } from ${JSON.stringify(new URL('store.ts', import.meta.url).href)};
    const store = new Store(${JSON.stringify(root)}, { commit: null, say: () => {} });
    await store.cell('training', { seed: 1 }, async () => {
      process.stdout.write('working');
      while (!existsSync(${JSON.stringify(path.join(root, 'go'))})) await new Promise((resolve) => setTimeout(resolve, 50));
      return { value: 'by another' };
    });`;
  const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout!.once('data', () => resolve());
    child.once('exit', (status) => reject(new Error(`the other process ended with ${status}`)));
  });
  return child;
};

describe('Store', () => {
  it('computes a cell once, gives it after that to the last digit, and says where it came from', async () => {
    const of = { x: 0.1 + 0.2, list: [1, null, 'ü\u2028'] };
    const first = await store.cell('stage', { seed: 1 }, value(of));
    expect(first).toMatchObject({ value: of, cached: false, record: { commit: 'abc' } });
    expect(await store.cell('stage', { seed: 1 }, never)).toMatchObject({ value: of, cached: true, hash: first.hash });
    expect(store.has('stage', { seed: 1 })).toBe(true);
    expect(store.has('stage', { seed: 2 })).toBe(false);
    expect(said).toEqual([]);
  });

  it('keeps what a value lists and removes the scaffolding', async () => {
    const { directory } = await store.cell('training', { seed: 1 }, withFile);
    expect(readdirSync(directory).sort()).toEqual(['identity.json', 'value.json', 'weights']);
  });

  it.each([
    ['value truncated', 'value.json', (file: string) => truncateSync(file, 80)],
    ['value empty', 'value.json', (file: string) => truncateSync(file, 0)],
    ['value altered', 'value.json', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('"value":1', '"value":2'))],
    ['weights altered', 'weights', (file: string) => writeFileSync(file, 'v')],
    ['weights missing', 'weights', (file: string) => rmSync(file)],
  ])('computes a cell again, and says so, when its %s', async (_, name, damage) => {
    const { directory } = await store.cell('training', { seed: 1 }, withFile);
    const whole = readFileSync(path.join(directory, 'value.json'), 'utf8');
    damage(path.join(directory, name));
    // What `--list` says: it reads no weights.
    expect(store.has('training', { seed: 1 })).toBe(
      readFileSync(path.join(directory, 'value.json'), 'utf8') === whole && existsSync(path.join(directory, 'weights')),
    );
    expect(await store.cell('training', { seed: 1 }, withFile)).toMatchObject({ value: 1, cached: false });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(name);
    expect(await store.cell('training', { seed: 1 }, never)).toMatchObject({ value: 1 });
  });

  it('stores nothing of what fails, and finds its scaffolding the next time', async () => {
    await expect(
      store.cell('training', { seed: 1 }, async (directory) => {
        writeFileSync(path.join(directory, 'checkpoint'), 'half');
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    const resumed = await store.cell('training', { seed: 1 }, async (directory) => ({
      value: readFileSync(path.join(directory, 'checkpoint'), 'utf8'),
    }));
    expect(resumed).toMatchObject({ value: 'half', record: { seconds: null } });
  });

  it('waits for a living process that computes the cell, and uses what it made', async () => {
    const other = await startOther();
    const waiting = store.cell('training', { seed: 1 }, never);
    await vi.waitUntil(() => said.length > 0, { timeout: 60_000 });
    // It looks again meanwhile, and says it once.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(said).toEqual([expect.stringContaining(`process ${other.pid} is computing training`)]);
    writeFileSync(path.join(root, 'go'), '');
    expect(await waiting).toMatchObject({ value: 'by another' });
  });

  it('takes over what a killed process had begun', async () => {
    const other = await startOther();
    const ended = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await ended;
    expect(await store.cell('training', { seed: 1 }, value(2))).toMatchObject({ value: 2, record: { seconds: null } });
  });

  it('keeps no node of a cluster waiting for an owner that may have died, and says which file to remove', async () => {
    const patient = new Store(root, { commit: null, say: (message) => said.push(message), doubtMs: 0 });
    const directory = patient.directory('training', { seed: 1 });
    const file = path.join(directory, 'lock-00000000-0000-4000-8000-0000000000fa');
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, JSON.stringify({ host: 'far-away', space: 'pid', pid: 7, started: 'then' }));
    for (const [name, value] of Object.entries({ SLURMD_NODENAME: 'n1', SLURM_JOB_ID: '1', SLURM_CLUSTER_NAME: 'test' }))
      vi.stubEnv(name, value);
    await expect(patient.cell('training', { seed: 1 }, never)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(
        `process 7 on host far-away is at work in ${directory}. Wait for it, or stop it; if it has died`,
      ) as string,
    });
    // A process of no cluster keeps nobody waiting: it goes on when the owner has gone.
    vi.unstubAllEnvs();
    const waiting = patient.cell('training', { seed: 1 }, value(3));
    await vi.waitUntil(() => said.length > 0, { timeout: 60_000 });
    rmSync(file);
    expect(await waiting).toMatchObject({ value: 3 });
  });

  it('refuses a folder that was made for another identity', async () => {
    const { directory } = await store.cell('stage', { seed: 1 }, value(1));
    const other = store.directory('stage', { seed: 2 });
    cpSync(directory, other, { recursive: true });
    await expect(store.cell('stage', { seed: 2 }, never)).rejects.toMatchObject({
      code: 'store-damaged',
      message: expect.stringContaining(`its value is that of ${path.basename(directory)}`) as string,
    });
    // One that was not finished says it by its identity alone.
    rmSync(path.join(other, 'value.json'));
    await expect(store.cell('stage', { seed: 2 }, never)).rejects.toMatchObject({
      code: 'store-damaged',
      message: expect.stringContaining('seed: 1 -> 2') as string,
    });
  });

  it('does not take a value of an older store that does not say whose it is', async () => {
    const { directory } = await store.cell('stage', { seed: 1 }, value(1));
    const file = path.join(directory, 'value.json');
    const body = readFileSync(file, 'utf8')
      .split('\n')[1]!
      .replace(/"of":"\w+",/, '');
    writeFileSync(file, `${createHash('sha256').update(body).digest('hex')}\n${body}\n`);
    expect(await store.cell('stage', { seed: 1 }, never)).toMatchObject({ value: 1, cached: true });
    writeFileSync(path.join(directory, 'identity.json'), '{"se');
    expect(await store.cell('stage', { seed: 1 }, value(1))).toMatchObject({ cached: false });
    expect(said).toEqual([expect.stringContaining('identity.json is damaged or missing: computing its value again')]);
  });

  it.each(['', '{"seed":', '{"seed":2}\n', '\0\0\0\0'])('writes an identity again that is damaged to %j', async (text) => {
    const { directory } = await store.cell('stage', { seed: 1 }, value(1));
    const file = path.join(directory, 'identity.json');
    writeFileSync(file, text);
    expect(await store.cell('stage', { seed: 1 }, never)).toMatchObject({ value: 1, cached: true });
    expect(said).toEqual([expect.stringContaining('identity.json is damaged or missing: written again')]);
    expect(readFileSync(file, 'utf8')).toBe('{"seed":1}\n');
  });

  it('removes the scaffolding of a value whose process was killed before it could', async () => {
    const { directory } = await store.cell('training', { seed: 1 }, withFile);
    writeFileSync(path.join(directory, 'log.jsonl'), 'scaffolding');
    await store.cell('training', { seed: 1 }, never);
    expect(readdirSync(directory).sort()).toEqual(['identity.json', 'value.json', 'weights']);
    const dead = { host: os.hostname(), space: readlinkSync('/proc/self/ns/pid'), pid: process.pid, started: 'another boot/1' };
    writeFileSync(path.join(directory, 'lock-00000000-0000-4000-8000-0000000000de'), JSON.stringify(dead));
    await store.cell('training', { seed: 1 }, never);
    expect(readdirSync(directory).sort()).toEqual(['identity.json', 'value.json', 'weights']);
  });

  it('stores no value that is none', async () => {
    await expect(store.cell('stage', { seed: 1 }, value(undefined))).rejects.toMatchObject({ code: 'measurement-failed' });
    expect(store.has('stage', { seed: 1 })).toBe(false);
  });

  it('stores no number that is none, and names where it lies', async () => {
    for (const number of [NaN, Infinity])
      await expect(store.cell('x', { number: String(number) }, async () => ({ value: { means: [1, number] } }))).rejects.toMatchObject({
        code: 'measurement-failed',
        values: { key: '1' },
      });
  });

  it('finds every damaged byte of a value', async () => {
    const { directory } = await store.cell('stage', { seed: 1 }, value({ x: 0.5 }));
    const file = path.join(directory, 'value.json');
    const good = readFileSync(file);
    for (let i = 0; i < good.length; i++) {
      const bad = Buffer.from(good);
      bad[i]! ^= 1 << (i % 8);
      writeFileSync(file, bad);
      expect(await store.cell('stage', { seed: 1 }, value({ x: 0.5 })), `byte ${i}`).toMatchObject({ value: { x: 0.5 }, cached: false });
    }
  });

  it('forgets the cells that are meant, and no others', async () => {
    for (const seed of [1, 2]) await store.cell('stage', { seed }, value(seed));
    await store.forgetAll('stage', (identity) => (identity as { seed: number }).seed === 1);
    expect(store.has('stage', { seed: 1 })).toBe(false);
    expect(store.has('stage', { seed: 2 })).toBe(true);
  });

  it('does not forget what a living process works on', async () => {
    await startOther();
    await expect(store.forgetAll('training', () => true)).rejects.toMatchObject({ code: 'locked' });
    expect(existsSync(store.directory('training', { seed: 1 }))).toBe(true);
  });

  it.each([
    ['ENOSPC', 'disk-full', 'no space is left on the disk'],
    ['EROFS', 'store-not-writable', 'the file system is read-only'],
  ])('says in a sentence where and why it cannot write: %s', async (code, kind, text) => {
    const refused = Object.assign(new Error(code), { code, syscall: 'write', path: '/x' });
    await expect(store.cell('stage', { seed: 1 }, () => Promise.reject(refused))).rejects.toMatchObject({
      code: kind,
      message: expect.stringContaining(
        `${store.directory('stage', { seed: 1 })} is where this computation is kept (--store names another place). /x: ${text}`,
      ) as string,
    });
  });

  it('says in a sentence that a file lies where its folder should be', async () => {
    writeFileSync(path.join(root, 'stage'), '');
    await expect(store.cell('stage', { seed: 1 }, value(1))).rejects.toMatchObject({
      code: 'store-not-writable',
      message: expect.stringContaining('a file lies where a folder is needed') as string,
    });
  });

  it.skipIf(!hasLesserUser)('says in a sentence that it cannot write', async () => {
    chmodSync(root, 0o555);
    await asLesserUser(() =>
      expect(store.cell('stage', { seed: 1 }, value(1))).rejects.toMatchObject({
        code: 'store-not-writable',
        message: expect.stringMatching(
          / is where this computation is kept \(--store names another place\)\. .*: permission denied\./,
        ) as string,
      }),
    );
    chmodSync(root, 0o700);
    expect(readdirSync(root)).toEqual([]);
  });
});
