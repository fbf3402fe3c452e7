import { describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { commands, openCommand } from '../commands.ts';
import { withoutNxOptions } from './options.ts';

const commandNamed = (name: string) => openCommand(commands.find((entry) => entry.name === name)!);

// prettier-ignore
const PROMPTS = [
  'a cat, 4k', 'masterpiece, (cat:1.3), [dog]', '<lora:detail:0.8> cat', 'a "red" cat', "it's a cat", '"cat" and "dog"',
  'cost $5 & up; `ls` | x', '007', '1e3', 'true', 'cat\\dog', '', '-cat', '--cat', 'a=b', 'café 猫 🐱', 'two\nlines', '100% cat', '!cat', '*',
  '~', '#cat', "'cat'", ' cat ', '--verbose', '--skip-nx-cache', '-p', '--prompt',
];

describe('withoutNxOptions', () => {
  it.each(PROMPTS)('leaves the prompt %j as it was typed', async (prompt) => {
    for (const typed of [['--prompt', prompt], [`--prompt=${prompt}`]]) {
      const command = await commandNamed('generate');
      const argv = withoutNxOptions(command, [
        '--model=m',
        '--skip-nx-cache',
        ...typed,
        '--output-style',
        'stream',
        '--no-tui',
        '--verbose',
      ]);
      expect(
        parseFlags(
          command.action(() => {}),
          argv,
        ),
      ).toMatchObject({ model: 'm', prompt: [prompt] });
      expect(argv).toEqual(['--model=m', ...typed]);
    }
  });

  it('leaves an option of the command to the command, and mistakes to its error', async () => {
    const evaluate = await commandNamed('evaluate');
    const argv = ['--batch', '4', '--generated', '--batch', '-c', 'paper', '--', '--verbose'];
    expect(withoutNxOptions(evaluate, argv)).toEqual(argv);
  });
});
