import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { scratchFolder } from './scratch-folder.ts';

let root: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'scratch-'));
  vi.stubEnv('TMPDIR', root);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

/** What lies there, but for what the loader of TypeScript keeps. */
const kept = (): string[] =>
  readdirSync(root)
    .filter((name) => name.startsWith('controllab-'))
    .sort();

/** A process that makes a folder and waits. @param body what it does beside that */
async function start(body = '') {
  const script = `import { scratchFolder } from ${JSON.stringify(new URL('scratch-folder.ts', import.meta.url).href)};
    import { existsSync } from 'node:fs';
    const folder = scratchFolder('weights');
    ${body}
    console.log(folder);
    setInterval(() => {}, 1000);`;
  const argv = ['--conditions=controllab', '--import', 'tsx', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: root } });
  children.push(child);
  const ended = new Promise<string | number | null>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  const folder = await new Promise<string>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())));
  return { child, ended, folder };
}

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('goes when its process ends by %s, which it still ends by', async (signal) => {
  const { child, ended, folder } = await start();
  expect(path.basename(folder)).toMatch(new RegExp(`^controllab-weights-${child.pid}-`));
  expect(existsSync(folder)).toBe(true);
  child.kill(signal);
  expect(await ended).toBe(signal);
  expect(kept()).toEqual([]);
});

it('stays as long as who else listens goes on', async () => {
  const finishing = `process.once('SIGINT', () => setTimeout(() => process.exit(existsSync(folder) ? 40 : 41), 50));`;
  const { child, ended } = await start(finishing);
  child.kill('SIGINT');
  expect(await ended).toBe(40);
  expect(kept()).toEqual([]);
});

it('of a process that was killed is removed with the next one, a living one is not', async () => {
  const [killed, living] = await Promise.all([start(), start()]);
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(existsSync(killed.folder)).toBe(true);
  mkdirSync(path.join(root, 'controllab-weights-1-unfinished'));
  const own = scratchFolder('weights');
  const left = [living.folder, own].map((folder) => path.basename(folder));
  expect(kept()).toEqual([...left, 'controllab-weights-1-unfinished'].sort());
});
