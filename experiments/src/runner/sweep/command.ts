import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { named, shellText, userPath, workspaceRoot } from '@controllab/command-line';
import { plainLines } from '@controllab/data';
import { ExperimentError } from '../errors.ts';
import { Sweep } from './sweep.ts';

const say = (text: string): void => void process.stdout.write(`${plainLines(text)}\n`);

const sweepCommand = (action: string, description: string): Command =>
  new Command(`sweep ${action}`)
    .description(description)
    .option('--name <sweep>', 'which sweep, as the launcher called it; without it, the only one there is', named)
    .option('--store <folder>', 'the store that it fills (default: runs/store)', named);

interface SweepFlags {
  name?: string;
  store?: string;
}

function chosen({ name, store }: SweepFlags): Sweep {
  const root = store === undefined ? path.join(workspaceRoot, 'runs', 'store') : userPath(store);
  const names = Sweep.names(root);
  if (name === undefined && names.length !== 1)
    throw new ExperimentError(
      'invalid-option',
      `${root} has ${names.length} sweeps: ${names.join(', ') || 'none'}. Name one with --name.`,
      { names },
    );
  return new Sweep(root, name ?? names[0]!);
}

/**
 * Runs the program again as the sweep was started, with one more word.
 * @throws ExperimentError invalid-option where the folder is gone that it was started in, which paths in its command line may go out from
 */
function again(sweep: Sweep, ...more: string[]): void {
  const { argv, directory, environment } = sweep.record();
  if (!existsSync(directory))
    throw new ExperimentError(
      'invalid-option',
      `${sweep.name} was started in ${directory}, which is gone. Make that folder again, or start the sweep elsewhere: npx controllab ${shellText(argv)}`,
      { directory },
    );
  const { status, signal, error } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, ...argv, ...more], {
    stdio: 'inherit',
    cwd: directory,
    // What it was submitted with: nodes of another kind would compute what does not count. What is set now goes first.
    env: { ...environment, ...process.env },
  });
  if (error !== undefined) throw error;
  if (signal !== null) process.stderr.write(`${sweep.name}: ${signal} ended what it runs\n`);
  process.exitCode = status ?? 1;
}

/** What the queue has of a sweep; where it cannot be asked, why: what the store has can be told in any case. */
async function queueText(sweep: Sweep): Promise<string> {
  const states = new Map<string, number>();
  try {
    for (const { state } of await sweep.inQueue()) states.set(state, (states.get(state) ?? 0) + 1);
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    return `the queue cannot be asked. ${error.message}`;
  }
  return `in the queue: ${[...states].map(([state, count]) => `${count} ${state.toLowerCase()}`).join(', ') || 'nothing'}`;
}

/** `sweep status`: what the store has and what the queue has. */
export const statusCommand = (): Command =>
  sweepCommand('status', 'Which tasks of a sweep are done, and what the queue has of it.').action(async (flags: SweepFlags) => {
    const sweep = chosen(flags);
    const { rounds, argv } = sweep.record();
    say(`${sweep.name}: ${shellText(argv)}`);
    say(`${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'} submitted; ${await queueText(sweep)}`);
    say(`logs: ${sweep.directory}`);
    again(sweep, '--list');
  });

/** `sweep resume`: submits what is missing. */
export const resumeCommand = (): Command =>
  sweepCommand('resume', 'Submits what is missing of a sweep.').action((flags: SweepFlags) => again(chosen(flags)));

/** `sweep cancel`: takes a sweep out of the queue; what is computed stays. */
export const cancelCommand = (): Command =>
  sweepCommand('cancel', 'Takes a sweep out of the queue; what is computed stays in the store.').action(async (flags: SweepFlags) => {
    const sweep = chosen(flags);
    say(`${sweep.name}: ${await sweep.cancel()} jobs and elements cancelled; npx controllab sweep resume --name ${sweep.name} goes on`);
  });
