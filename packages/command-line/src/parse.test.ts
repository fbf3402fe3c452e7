import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CommandLineError } from './errors.ts';
import { commandText, explainUnknown, parseFlags, runCommand } from './parse.ts';

const draw = () =>
  new Command('draw').requiredOption('--prompt <text>', 'what').option('--steps <n>', 'how long', Number, 20).argument('[name...]');

describe('parseFlags', () => {
  it('takes values as they are', () => {
    for (const prompt of ['', '-cat', '--cat', '--steps', ' cat ', 'a=b', 'two\nlines', '007']) {
      expect(parseFlags(draw(), ['--prompt', prompt])).toEqual({ prompt, steps: 20 });
      expect(parseFlags(draw(), [`--prompt=${prompt}`])).toEqual({ prompt, steps: 20 });
    }
  });

  it.each([
    [[], "draw: required option '--prompt <text>' not specified. Arguments: name. Options: --prompt, --steps."],
    [['--promt', 'x'], "draw: unknown option '--promt' (Did you mean --prompt?) Arguments: name. Options: --prompt, --steps."],
    [['--prompt=x', '--stesp=3'], "draw: unknown option '--stesp' (Did you mean --steps?) Arguments: name. Options: --prompt, --steps."],
    [['--prompt=x', '--colour'], "draw: unknown option '--colour'. Arguments: name. Options: --prompt, --steps."],
    [['--prompt'], "draw: option '--prompt <text>' argument missing. Arguments: name. Options: --prompt, --steps."],
  ])('says what is wrong with %j in one paragraph', (argv, message) => {
    let thrown: unknown;
    try {
      parseFlags(draw(), argv);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CommandLineError);
    expect(thrown).toMatchObject({ code: 'invalid-option', message, values: { argv } });
  });
});

describe('explainUnknown', () => {
  const explained = (...argv: string[]) =>
    parseFlags(
      explainUnknown(draw(), (flag, nearest) => `: ${flag.length} letters${nearest}!`),
      argv,
    );

  it('says of an unknown flag what it was given, and of all else what is said anyway', () => {
    expect(() => explained('--prompt=x', '--colour')).toThrow(/^draw: unknown option '--colour': 8 letters!$/);
    expect(() => explained('--prompt=x', '--colour=red')).toThrow(/^draw: unknown option '--colour': 8 letters!$/);
    expect(() => explained('--promt', 'x')).toThrow(/^draw: unknown option '--promt': 7 letters\(Did you mean --prompt\?\)!$/);
    expect(() => explained('--prompt')).toThrow(
      "draw: option '--prompt <text>' argument missing. Arguments: name. Options: --prompt, --steps.",
    );
  });
});

describe('runCommand', () => {
  it('runs the action, which can ask for the command line', async () => {
    let text = '';
    const command = draw()
      .name('controllab draw')
      .action((_names, _flags, self: Command) => void (text = commandText(self)));
    await runCommand(command, ['--prompt', "it's $5", 'a/b']);
    expect(text).toBe(`npx controllab draw --prompt 'it'\\''s $5' a/b`);
  });

  it('lists the commands of a group, and passes on what an action throws', async () => {
    const group = new Command('bench');
    group.command('engine');
    await expect(runCommand(group, ['engien'])).rejects.toThrow("bench: unknown command 'engien' (Did you mean engine?) Commands: engine.");
    const failing = new Command('x').action(() => Promise.reject(new Error('no')));
    await expect(runCommand(failing, [])).rejects.toThrow(/^no$/);
  });
});
