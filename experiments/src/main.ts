/** The program: `npx controllab <command>`, started by ../bin/controllab.mjs. */
import { Command } from 'commander';
import { runCommand, runProgram } from '@controllab/command-line';
import { commands, openCommand } from './commands.ts';
import { withoutNxOptions } from './nx/options.ts';
import { Interrupted } from './runner/errors.ts';
import { deliverSignalsOnce, isHandled } from './runner/signals.ts';
import { endWithParent } from './runner/workers.ts';

/** The program as its help shows it: names and descriptions alone. It answers --help, and names what is nearest to a mistyped command. */
function overview(): Command {
  const program = new Command('controllab')
    .description('Reproduces, measures and extends ControlNet and ControlNeXt.')
    .usage('<command> [options]')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nnpx controllab <command> --help lists the options of one.\n\nExample:\n  npx controllab ablation --profile quick --seed 2',
    );
  const leaves = new Map<Command, string>();
  for (const { name, description } of commands) {
    const [first, second] = name.split(' ');
    const parent = second === undefined ? program : (groupOf(program, first!) ?? newGroup(program, first!));
    leaves.set(parent.command(second ?? first!).description(description), name);
  }
  const below = (command: Command): Command[] => command.commands.flatMap((one) => (leaves.has(one) ? [one] : below(one)));
  return program.configureHelp({ visibleCommands: below, subcommandTerm: (command) => leaves.get(command) ?? command.name() });
}

const groupOf = (program: Command, word: string | undefined): Command | undefined => program.commands.find((one) => one.name() === word);
const newGroup = (program: Command, word: string): Command => program.command(word).helpCommand(false).usage('<command> [options]');

async function main(typed: readonly string[]): Promise<void> {
  const argv = typed[0] === 'help' ? [...typed.slice(1), '--help'] : typed;
  const entry = commands.find(({ name }) => name.split(' ').every((word, i) => argv[i] === word));
  if (entry === undefined) {
    const program = overview();
    const group = groupOf(program, argv[0]);
    const [asked, rest] = group === undefined ? [program, argv] : [group.name(`controllab ${argv[0]}`), argv.slice(1)];
    return runCommand(asked, rest.length === 0 ? ['--help'] : rest);
  }
  const command = await openCommand(entry);
  const flags = argv.slice(entry.name.split(' ').length);
  try {
    await runCommand(command, process.env['CONTROLLAB_THROUGH_NX'] === '1' ? withoutNxOptions(command, flags) : flags);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = 130;
  }
}

deliverSignalsOnce();

/** Nobody reads us any more, or nothing takes what we say: `| head`, a terminal that was closed, a log on a full disk. */
const UNHEARD = ['EPIPE', 'EIO', 'ENOSPC', 'EDQUOT'];
let unheard = false;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (unheard) return;
    if (!UNHEARD.includes(error.code ?? '')) throw error;
    if (!isHandled('SIGTERM')) process.exit(141);
    // What listens to signals, as a training does, writes its checkpoint at one and ends: a closed terminal must not cost it.
    unheard = true;
    process.kill(process.pid, 'SIGTERM');
  });
endWithParent();
await runProgram(() => main(process.argv.slice(2)));
