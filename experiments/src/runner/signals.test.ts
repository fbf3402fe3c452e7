import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = mkdtempSync(path.join(os.tmpdir(), 'signals-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A program as ours that keeps merged weights, and gets a signal, twice as from a terminal and a parent. */
async function interrupted(body: string): Promise<{ code: number | null; signal: string | null }> {
  const script = `import { deliverSignalsOnce } from ${JSON.stringify(new URL('signals.ts', import.meta.url).href)};
    import { scratchFolder } from '@controllab/data';
    import { existsSync } from 'node:fs';
    deliverSignalsOnce();
    ${body}
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const argv = ['--conditions=controllab', '--import', 'tsx', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, argv, {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: root },
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGINT');
  child.kill('SIGINT');
  return ended;
}

const kept = (): string[] => readdirSync(root).filter((name) => name.startsWith('controllab-'));

it('lets a signal that nobody waits for end the process, without its scratch files', async () => {
  expect(await interrupted(`scratchFolder('weights');`)).toEqual({ code: null, signal: 'SIGINT' });
  expect(kept()).toEqual([]);
});

it.each(['before', 'after'])('leaves scratch files to a training that finishes its step, which began to listen %s', async (when) => {
  // As a training does: it takes its listener off at once, for a second signal to end the process.
  const listen = `process.on('SIGINT', function finish() {
    process.off('SIGINT', finish);
    setTimeout(() => process.exit(existsSync(folder) ? 40 : 41), 300);
  });`;
  const make = `const folder = scratchFolder('weights');`;
  expect(await interrupted(when === 'before' ? listen + make : make + listen)).toEqual({ code: 40, signal: null });
  expect(kept()).toEqual([]);
});
