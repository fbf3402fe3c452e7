import { Command } from 'commander';
import { named, userPath } from '@controllab/command-line';

/** `people`: what several people's answers to a study come to. */
export function command(): Command {
  return new Command('people')
    .description('Reads the answers that people saved on a study’s page, a file a person: shares right, mean and deviation over people.')
    .argument('<files...>', 'answers, saved as JSON or CSV', (file: string, before: string[] = []) => [...before, named(file)])
    .action(async (files: string[]) => {
      const [{ peopleText, readPeople }, { plainText }] = await Promise.all([import('./people.ts'), import('@controllab/data')]);
      console.log(
        peopleText(readPeople(files.map((file) => userPath(file))))
          .split('\n')
          .map(plainText)
          .join('\n'),
      );
    });
}
