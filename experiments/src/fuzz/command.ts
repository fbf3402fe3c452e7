import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { integer, seed as parseSeed, userPath } from '@controllab/command-line';
import { plainText } from '@controllab/data';
import { textTable, type Table } from '@controllab/report';
import { OUTCOMES, WRONG, type Outcome } from './case.ts';
import type { Fuzzed } from './fuzz.ts';

/** Of each parser. */
const SHOWN = 5;

interface Flags {
  parser?: string[];
  seconds: number;
  seed: number;
  first: number;
  files?: number;
  keep?: string;
}

const LABELS: Readonly<Record<Outcome, string>> = {
  refused: 'refused',
  same: 'same',
  values: 'values differ',
  structure: 'structure differs',
  'wrong class': 'wrong class',
  slow: 'slow',
  memory: 'memory',
  hang: 'hang',
};

/** `fuzz`: damaged and hostile files for every parser. */
export function command(): Command {
  return new Command('fuzz')
    .description(
      'Gives every parser damaged and hostile files: each is refused in words, or read with other values where its format cannot tell.',
    )
    .option('--parser <names...>', 'which parsers; all without it')
    .option('--seconds <count>', 'how long, for all parsers together', integer(1), 300)
    .option('--files <count>', 'most files for each parser', integer(1))
    .option('--seed <integer>', 'seed of the damages', parseSeed, 1)
    .option('--first <index>', 'first file of each parser: with --files 1 one that came out wrong is made again', integer(0), 0)
    .option('--keep <folder>', 'where files that came out wrong are put')
    .action(async (flags: Flags) => {
      const [{ TARGETS, targetNamed }, { fuzz }] = await Promise.all([import('./targets.ts'), import('./fuzz.ts')]);
      const parsers = (flags.parser ?? TARGETS.map(({ name }) => name)).map((name) => targetNamed(name).name);
      const done: Fuzzed[] = [];
      for (const parser of parsers) {
        const fuzzed = await fuzz(parser, {
          seed: flags.seed,
          seconds: flags.seconds / parsers.length,
          first: flags.first,
          ...(flags.files === undefined ? {} : { files: flags.files }),
        });
        done.push(fuzzed);
        console.log(`${parser}: ${fuzzed.files} files`);
        for (const { index, outcome, detail } of fuzzed.wrong.slice(0, SHOWN))
          console.log(plainText(`  ${outcome} (--parser ${parser} --seed ${flags.seed} --first ${index} --files 1): ${detail}`));
        if (flags.keep !== undefined) await keep(userPath(flags.keep), fuzzed, flags.seed);
      }
      console.log(`\n${textTable(tableOf(done))}`);
      if (done.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
    });
}

const tableOf = (done: readonly Fuzzed[]): Table => ({
  kind: 'table',
  id: 'fuzz',
  caption: 'Damaged and hostile files. Right: refused, read the same, or with other values.',
  rowHeader: 'parser',
  columns: [
    { label: 'files' },
    ...OUTCOMES.map((outcome) => ({ label: LABELS[outcome], group: WRONG.includes(outcome) ? 'wrong' : 'right' })),
  ],
  rows: done.map(({ parser, files, counts }) => ({ label: parser, cells: [files, ...OUTCOMES.map((outcome) => counts[outcome])] })),
});

/** Makes the files again that came out wrong. */
async function keep(folder: string, { parser, wrong }: Fuzzed, seed: number): Promise<void> {
  if (wrong.length === 0) return;
  const [{ targetNamed }, { Cases }] = await Promise.all([import('./targets.ts'), import('./case.ts')]);
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'fuzz-'));
  try {
    const cases = await Cases.open(targetNamed(parser), seed, scratch);
    mkdirSync(folder, { recursive: true });
    for (const { index } of wrong) writeFileSync(path.join(folder, `${parser}-${seed}-${index}`), cases.file(index).bytes);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
