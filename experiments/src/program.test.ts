import { spawn, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { workspaceRoot } from '@controllab/command-line';
import { commands, openCommand } from './commands.ts';

const program = path.join(workspaceRoot, 'experiments', 'bin', 'controllab.mjs');
const launcher = pathToFileURL(path.join(workspaceRoot, 'experiments', 'bin', 'launch.mjs')).href;
const waiting = new URL('./testing/waiting.ts', import.meta.url).href;

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function watch(child: ChildProcess): { ended: Promise<Ended>; ready: Promise<void> } {
  const text = { stdout: '', stderr: '' };
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => (ready = resolve));
  child.stdout!.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString();
    if (text.stdout.includes('ready')) ready();
  });
  child.stderr!.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...text })));
  return { ended, ready: started };
}

const controllab = (argv: readonly string[], cwd = os.tmpdir()): Promise<Ended> =>
  watch(spawn(process.execPath, [program, ...argv], { cwd })).ended;

describe('controllab', () => {
  it('lists every command with a line each, and an example', async () => {
    for (const argv of [[], ['--help'], ['help']]) {
      const { code, stdout } = await controllab(argv);
      expect(code).toBe(0);
      for (const { name, description } of commands)
        expect(stdout).toMatch(new RegExp(`^  ${name} +${description.replace(/[.]/g, '\\.')}$`, 'm'));
      expect(stdout).toContain('npx controllab ablation --profile quick');
    }
  });

  it.each([
    [['ablatoin'], "controllab: unknown command 'ablatoin' (Did you mean ablation?)"],
    [['mini', 'pretrian'], "controllab mini: unknown command 'pretrian' (Did you mean pretrain?)"],
    [['mini', 'pretrain', 'vea'], /controllab mini pretrain: .*'vea'.*Allowed choices are vae, clip/],
    [['ablation', '--sede=2'], "controllab ablation: unknown option '--sede' (Did you mean --seed?) Options: --profile"],
    [['fetch', 'incepion'], 'there are no weights "incepion"; there are inception, clip'],
  ])('answers %j with one paragraph', async (argv, message) => {
    const { code, stdout, stderr } = await controllab(argv);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim()).not.toMatch(/\n/);
  });

  it.each(commands)('$name explains itself', async (entry) => {
    const command = await openCommand(entry);
    const help = command.helpInformation();
    expect(help).toMatch(new RegExp(`^Usage: controllab ${entry.name} `));
    for (const option of command.options) expect(help).toContain(option.flags);
    for (const { description, flags } of command.options) expect(description, flags).not.toBe('');
    expect(help, 'a machine’s own folder in a default').not.toContain(workspaceRoot);
  });

  it('takes paths from the folder it is called from', async () => {
    const { stderr } = await controllab(['evaluate', '--generated', 'no such folder', '--metrics', 'is'], os.tmpdir());
    expect(stderr).toContain('cannot open the images no such folder');
  });
});

it('ends without a word when whoever reads it has gone', async () => {
  const child = spawn(process.execPath, [program, '--help']);
  child.stdout.destroy();
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  expect(said).toEqual([]);
});

/** The launcher with a program that waits for signals, in a process group of its own as in a terminal. */
const start = (...argv: string[]): ChildProcess =>
  spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { launch } from '${launcher}'; launch('${waiting}', ${JSON.stringify(argv)});`],
    {
      detached: true,
      cwd: os.tmpdir(),
    },
  );

describe('launch', () => {
  it('hands on arguments, folder and memory settings', async () => {
    const argv = ['generate', '--prompt', '', ' a "b" $c `d` \n猫 ', "it's", '--', '-x'];
    const child = start(...argv);
    const { ended, ready } = watch(child);
    await ready;
    child.kill('SIGTERM');
    const { stdout } = await ended;
    expect(JSON.parse(/ready (.*)/.exec(stdout)![1]!)).toEqual({ argv, cwd: os.tmpdir(), malloc: null });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s arrives once, however it is sent, and the exit code is the program’s',
    async (signal) => {
      const child = start();
      const { ended, ready } = watch(child);
      await ready;
      // As a terminal does, and a parent besides.
      process.kill(-child.pid!, signal);
      child.kill(signal);
      const { code, stdout } = await ended;
      expect(stdout).toContain(`got ${signal}\n`);
      expect(code).toBe(41);
      expect(stdout).toContain('"malloc":"0"');
    },
  );

  it('takes a second signal that comes later for one', async () => {
    const child = start('patient');
    const { ended, ready } = watch(child);
    await ready;
    const arrived = new Promise<void>((resolve) =>
      child.stdout!.on('data', (chunk: Buffer) => void (chunk.toString().includes('arrived SIGINT') && resolve())),
    );
    child.kill('SIGINT');
    await arrived;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 42, stdout: expect.stringContaining('got SIGINT SIGTERM') as string });
  });

  it('ends by the signal where the program does not listen', async () => {
    const child = start('deaf');
    const { ended, ready } = watch(child);
    await ready;
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});
