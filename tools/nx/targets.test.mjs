import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPARISON, commands } from '../../experiments/src/commands.ts';
import { nxHelp } from '../../experiments/src/nx/help.ts';
import { workspaces } from '../dependencies.mjs';

const root = path.join(import.meta.dirname, '..', '..');
const readJson = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const projects = [...workspaces(root), 'tools'].map((folder) => readJson(`${folder}/project.json`));
const targets = projects.flatMap(({ name, targets }) =>
  Object.entries(targets).map(([target, configuration]) => ({
    name: `${name}:${target}`,
    ...readJson('nx.json').targetDefaults[target],
    ...configuration,
  })),
);

describe('targets', () => {
  it.each(targets)('$name has a description, which is its command’s', ({ name, executor, options, metadata }) => {
    expect(metadata?.description).toMatch(/\w/);
    if (!executor.startsWith('./tools/nx:') || options !== undefined) return;
    const own = executor.slice('./tools/nx:'.length);
    const command = own === COMPARISON ? name.replace('experiments:', '') : own;
    expect(metadata.description).toBe(commands.find((entry) => entry.name.replace(' ', '-') === command)?.description);
  });

  it('names folders as nx does: a word in braces without spaces', () => {
    for (const target of targets) expect(JSON.stringify(target)).not.toMatch(/\{ *\w+ +\}|\{ +\w+ *\}/);
  });

  it('every command has one, and nothing the program stores is stored by nx as well', () => {
    const used = new Set(targets.map(({ executor }) => executor));
    for (const { name, executor } of commands) expect(used).toContain(`./tools/nx:${executor ?? name.replace(' ', '-')}`);
    expect(targets.filter(({ cache }) => cache).map(({ name }) => name)).toEqual(projects.map(({ name }) => `${name}:test`));
  });

  it('nx shows the options that there are: `npm run nx-help` after a change of a command', async () => {
    const files = await nxHelp();
    for (const [name, text] of Object.entries(files)) expect(readFileSync(path.join(import.meta.dirname, name), 'utf8'), name).toBe(text);
    expect(readdirSync(path.join(import.meta.dirname, 'help')).map((name) => `help/${name}`)).toEqual(
      Object.keys(files)
        .filter((name) => name.startsWith('help/'))
        .sort(),
    );
  });
});

/** @returns exit code and all that was printed */
function nx(cwd, ...argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js'), ...argv], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false', NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  return { status, text: stdout + stderr };
}

describe('through nx', () => {
  it.each(['cost $5 & `touch F` ; "x" > y', '-cat', '', ' two\nlines 猫 '])('%j arrives as it was typed, from a subfolder', (typed) => {
    const { status, text } = nx(path.join(root, 'packages'), 'run', 'metrics:fetch', '--to', '.', typed, '--skip-nx-cache');
    expect(status).toBe(1);
    expect(text).toContain(typed === '-cat' ? "unknown option '-cat'" : `there are no weights "${typed}"`);
  });

  it('a target’s --help is the command’s, and no configuration runs another', () => {
    const { status, text } = nx(root, 'run', 'experiments:ablation', '--help');
    expect([status, text]).toEqual([0, expect.stringMatching(/--profile <name>.*--seed <integer>/s)]);
    expect(nx(root, 'run', 'experiments:parameters:quick').text).toContain("experiments:parameters has no configuration 'quick'");
    expect(nx(root, 'run', 'experiments:parameters', '-c', 'quick').text).toContain("unknown option '-c'");
  });
});

describe('executor', () => {
  let folder;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'controllab-nx-'));
    mkdirSync(path.join(folder, 'experiments', 'bin'), { recursive: true });
    const program = `process.stdout.write(JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), known: process.env.CONTROLLAB_NX_ARGV ?? null }));`;
    writeFileSync(path.join(folder, 'experiments', 'bin', 'controllab.mjs'), program);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What the program is started with, for a command line of nx's. */
  const started = (argv, unparsed = []) => {
    const context = { root: folder, cwd: os.tmpdir(), projectName: 'p', targetName: 't' };
    const script = `require(${JSON.stringify(path.join(import.meta.dirname, 'executor.cjs'))})(${JSON.stringify({ command: ['mini', 'x'], unparsed })}, ${JSON.stringify(context)}).then(({ success }) => process.exit(success ? 0 : 1))`;
    const known = argv === null ? {} : { CONTROLLAB_NX_ARGV: JSON.stringify(['node', 'nx', ...argv]) };
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...process.env, ...known } });
    return JSON.parse(stdout);
  };

  it('hands on what was typed behind the target, in whichever form', () => {
    const typed = ['--prompt', '', '-cat', 'a "b" $c `d`'];
    const expected = { argv: ['mini', 'x', ...typed], cwd: os.tmpdir(), known: null };
    expect(started(['run', 'p:t', ...typed])).toEqual(expected);
    expect(started(['run', '--skip-nx-cache', 'p:t', '--', ...typed])).toEqual(expected);
    expect(started(['t', 'p', ...typed])).toEqual(expected);
  });

  it('takes what nx made of it where another command started the target', () => {
    expect(started(['run-many', '-t', 't', '--', '--seed=2'], ['--seed=2']).argv).toEqual(['mini', 'x', '--seed=2']);
    expect(started(null, ['--seed=2']).argv).toEqual(['mini', 'x', '--seed=2']);
  });
});
