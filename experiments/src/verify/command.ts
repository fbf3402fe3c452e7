import { Command } from 'commander';
import { workspaceRoot } from '@controllab/command-line';

/** The command `verify`: exit code 1 when a published number does not follow from what is committed. */
export const command = (): Command =>
  new Command('verify')
    .description('Recomputes every number that READMEs and published reports carry from committed results.')
    .action(async () => {
      const [{ verify }, { plainText }] = await Promise.all([import('./verify.ts'), import('@controllab/data')]);
      const { problems, checked } = verify(workspaceRoot);
      for (const problem of problems) process.stdout.write(`${plainText(problem)}\n`);
      process.stdout.write(`${checked} files checked, ${problems.length} problems\n`);
      if (problems.length > 0) process.exitCode = 1;
    });
