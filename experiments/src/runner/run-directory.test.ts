import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunDirectory } from './run-directory.ts';

let root: string;
let said: string[];
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'run-'));
  said = [];
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

const open = (overrides: { config?: { steps: number }; fresh?: boolean } = {}) =>
  RunDirectory.open({
    root,
    name: 'quick-seed-1',
    config: { steps: 400 },
    fresh: false,
    say: (message) => said.push(message),
    ...overrides,
  });

const never = (): Promise<never> => Promise.reject(new Error('computed again'));

/** Another process that opens the same run, stores the stage "first", says so and hangs in its second. */
const startOther = async (): Promise<ChildProcess> => {
  const script = `
    import { RunDirectory } from ${JSON.stringify(new URL('run-directory.ts', import.meta.url).href)};
    const run = await RunDirectory.open({ root: ${JSON.stringify(root)}, name: 'quick-seed-1', config: { steps: 400 }, fresh: false, say: () => {} });
    await run.stage('first', async () => ({ by: 'other' }));
    await run.stage('second', () => new Promise(() => { process.stdout.write('working'); setInterval(() => {}, 1000); }));
  `;
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

const kill = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });

describe('RunDirectory', () => {
  it('computes a stage once and gives the stored value after that, to the last digit', async () => {
    const value = { x: 0.1 + 0.2, list: [1, null, 'ü\u2028'] };
    const first = await open();
    expect(await first.stage('a', async () => value)).toEqual(value);
    first.close();
    const second = await open();
    expect(await second.stage('a', never)).toEqual(value);
    expect(said).toEqual([]);
    second.close();
    expect(readdirSync(second.path).sort()).toEqual(['a.json', 'config.json']);
  });

  it('keeps runs with different settings apart', async () => {
    const [a, b] = [await open(), await open({ config: { steps: 800 } })];
    expect(a.path).not.toBe(b.path);
    await a.stage('x', async () => 1);
    expect(await b.stage('x', async () => 2)).toBe(2);
    a.close();
    b.close();
  });

  it.each([
    ['truncated', (file: string) => truncateSync(file, 80)],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['altered', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('12345', '12346'))],
  ])('names a stage that is %s and computes it again', async (_, damage) => {
    const run = await open();
    await run.stage('losses', async () => [12345, 6]);
    damage(path.join(run.path, 'losses.json'));
    expect(await run.stage('losses', async () => [7])).toEqual([7]);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('losses.json');
    expect(await run.stage('losses', never)).toEqual([7]);
    run.close();
  });

  it('stores nothing for a stage that fails', async () => {
    const run = await open();
    await expect(run.stage('a', never)).rejects.toThrow('computed again');
    expect(await run.stage('a', async () => 1)).toBe(1);
    run.close();
  });

  it('refuses a folder where a living process works and names that process', async () => {
    const other = await startOther();
    await expect(open()).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining(String(other.pid)) as string });
  });

  it('continues after a kill: takes the lock over, keeps what was done, computes the rest', async () => {
    await kill(await startOther());
    const run = await open();
    expect(await run.stage('first', never)).toEqual({ by: 'other' });
    expect(await run.stage('second', async () => 2)).toBe(2);
    expect(readdirSync(run.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    run.close();
  });

  it('forgets an earlier run when asked to', async () => {
    const run = await open();
    await run.stage('a', async () => 1);
    run.close();
    const fresh = await open({ fresh: true });
    expect(await fresh.stage('a', async () => 2)).toBe(2);
    fresh.close();
  });

  it('does not empty a folder where a living process works', async () => {
    const other = await startOther();
    await expect(open({ fresh: true })).rejects.toMatchObject({ code: 'locked' });
    await kill(other);
    const run = await open();
    expect(await run.stage('first', never)).toEqual({ by: 'other' });
    run.close();
  });

  it('stores a stage whose value is null', async () => {
    const run = await open();
    expect(await run.stage('a', async () => null)).toBeNull();
    expect(await run.stage('a', never)).toBeNull();
    run.close();
  });
});
