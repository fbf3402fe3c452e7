// `node tools/node-versions.mjs [VERSION ...]`: the program and a part of the tests under other versions of Node, by default those that README
// names beside the least one. Each comes from npm, into .cache/node.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// Whole versions: a release of Node's must not be what fails here.
const VERSIONS = ['22.23.3', '24.21.0'];
/** Where versions of Node differ: loading TypeScript, workers, child processes, signals, native modules. */
const TESTS = [
  'packages/command-line',
  'packages/training/src/batch-worker.test.ts',
  'packages/training/src/train-step.test.ts',
  'packages/tfjs-onnx/src/eager.test.ts',
  'experiments/src/program.test.ts',
];

const root = path.join(import.meta.dirname, '..');

/** The binary of a version, fetched where it is not there yet. */
function nodeOf(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = path.join(root, '.cache', 'node', version);
  const binary = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    const { status } = spawnSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--no-save', '--fetch-retries', '5', '--prefix', folder, `${name}@${version}`],
      {
        stdio: 'inherit',
      },
    );
    if (status !== 0 || !existsSync(binary)) throw new Error(`npm has no ${name}@${version}`);
  }
  return binary;
}

/** Runs Node with this version first in PATH too: programs that are started by name must find the same. */
function run(binary, args) {
  const env = { ...process.env, PATH: `${path.dirname(binary)}${path.delimiter}${process.env.PATH}` };
  const { status, signal } = spawnSync(binary, args, { cwd: root, env, stdio: 'inherit' });
  return status === 0 ? null : `${args[0]} ${args.slice(1, 3).join(' ')} ended with ${signal ?? `code ${status}`}`;
}

const failed = [];
const folder = mkdtempSync(path.join(os.tmpdir(), 'node-versions-'));
for (const version of process.argv.length > 2 ? process.argv.slice(2) : VERSIONS) {
  const binary = nodeOf(version);
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  console.log(`== Node ${stdout.trim()}`);
  const program = path.join('experiments', 'bin', 'controllab.mjs');
  const picture = path.join(folder, `${version}.png`);
  const runs = [
    [program, 'verify'],
    [program, 'generate', '--prompt', 'a large owl on a teal background', '--steps', '4', '--out', picture],
    [path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...TESTS],
  ];
  failed.push(
    ...runs
      .map((args) => run(binary, args))
      .filter((problem) => problem !== null)
      .map((problem) => `Node ${version}: ${problem}`),
  );
}
rmSync(folder, { recursive: true });
for (const problem of failed) console.error(problem);
process.exitCode = failed.length === 0 ? 0 : 1;
