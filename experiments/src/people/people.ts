import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { meanInterval, textTable } from '@controllab/report';
import { PAPER_DEPTH } from '../paper-values.ts';
import { ExperimentError } from '../runner/errors.ts';

/** What one person answered on a study's page. */
export interface Person {
  readonly file: string;
  /** Which study: REPORT/BLOCK. */
  readonly study: string;
  readonly shown: 'pairs' | 'single';
  readonly seed: number;
  /** Pairs that the person had learnt from. */
  readonly taught: number;
  readonly answers: readonly Answer[];
}

interface Answer {
  readonly pair: number;
  readonly truth: string;
  readonly answer: string;
}

const FORMAT = 'controllab-pair-study-1';
const SHOWN = { pairs: 'side by side', single: 'one by one' } as const;

/** What stands in a file, whichever of the two that a page saves. */
function contents(text: string): { [key: string]: unknown; answers: Record<string, unknown>[] } {
  if (!text.trimStart().startsWith('{')) {
    const rows = parse(text, { columns: true, bom: true, cast: (value) => (/^\d+$/.test(value) ? Number(value) : value) }) as Record<
      string,
      unknown
    >[];
    const odd = ['study', 'shown', 'seed', 'taught', 'asked'].find((name) => rows.some((row) => row[name] !== rows[0]![name]));
    if (odd !== undefined) throw new RangeError(`its rows differ in ${odd}: a file is one person’s answers to one study`);
    return { ...rows[0], answers: rows };
  }
  const { format, ...read } = JSON.parse(text) as { format?: unknown; answers: Record<string, unknown>[] };
  if (format !== FORMAT) throw new RangeError(`its format is ${JSON.stringify(format)}, expected "${FORMAT}"`);
  if (!Array.isArray(read.answers)) throw new RangeError('it has no list of answers');
  return read;
}

/**
 * The answers that a study's page saved, as JSON or CSV. @param text of the file
 * @throws ExperimentError invalid-answers naming what is missing or contradicts itself
 */
export function readAnswers(file: string, text: string): Person {
  try {
    const { study, shown, seed, taught, asked, answers } = contents(text);
    if (typeof study !== 'string' || study === '') throw new RangeError('it names no study');
    if (shown !== 'pairs' && shown !== 'single') throw new RangeError(`shown is ${JSON.stringify(shown)}, expected "pairs" or "single"`);
    if (answers.length === 0 || answers.length !== asked)
      throw new RangeError(`it has ${answers.length} answers of ${JSON.stringify(asked)}`);
    const count = (value: unknown, what: string): number => {
      if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
      throw new RangeError(`${what} is ${JSON.stringify(value)}, expected a whole number`);
    };
    const read = answers.map((one, i): Answer => {
      const { truth, answer, correct } = one;
      const place = `answer ${i + 1}`;
      if (typeof truth !== 'string' || typeof answer !== 'string')
        throw new RangeError(`${place} says not both what was true and answered`);
      if ((truth === answer) !== (correct === true || correct === 1))
        throw new RangeError(`${place}, "${answer}" where "${truth}" is true, is counted otherwise: it was changed`);
      return { pair: count(one['pair'], `the pair of ${place}`), truth, answer };
    });
    if (new Set(read.map(({ pair }) => pair)).size < read.length) throw new RangeError('a pair is asked about twice');
    return { file, study, shown, seed: count(seed, 'seed'), taught: count(taught, 'taught'), answers: read };
  } catch (cause) {
    throw new ExperimentError(
      'invalid-answers',
      `${file} is not what a study’s page saves: ${(cause as Error).message}. Give files that were saved with "Save answers as JSON" or "as CSV".`,
      { file },
      { cause },
    );
  }
}

const rightIn = ({ answers }: Person): number => answers.filter(({ truth, answer }) => truth === answer).length;
const share = (person: Person): number => rightIn(person) / person.answers.length;

/** The answers of one file each. @throws ExperimentError invalid-answers for a file that cannot be read or is another's copy */
export function readPeople(files: readonly string[]): Person[] {
  const people = files.map((file) => {
    try {
      return readAnswers(file, readFileSync(file, 'utf8'));
    } catch (cause) {
      if (cause instanceof ExperimentError) throw cause;
      throw new ExperimentError('invalid-answers', `${file} cannot be read: ${(cause as Error).message}`, { file }, { cause });
    }
  });
  const content = ({ file: _file, ...answers }: Person): string => JSON.stringify(answers);
  for (const [i, person] of people.entries()) {
    const other = people.slice(0, i).find((one) => content(one) === content(person));
    if (other !== undefined)
      throw new ExperimentError('invalid-answers', `${person.file} holds the same answers as ${other.file}: a person counts once.`, {
        files: [other.file, person.file],
      });
  }
  return people;
}

/** Mean and standard deviation over people, as the paper has them, of each study and way to ask; with the 95% interval of the mean. */
export function summaries(people: readonly Person[]): string[] {
  const nameOf = ({ study, shown }: Person): string => `${study}, asked ${SHOWN[shown]}`;
  return [...new Set(people.map(nameOf))].map((name) => {
    const shares = people.filter((person) => nameOf(person) === name).map(share);
    const { value, interval } = meanInterval(shares, { range: [0, 1], over: 'people' });
    const f2 = (x: number): string => x.toFixed(2);
    if (interval === null) return `${name}: ${f2(value)}, one person`;
    const deviation = Math.sqrt(shares.reduce((sum, x) => sum + (x - value) ** 2, 0) / (shares.length - 1));
    return `${name}: ${f2(value)} ± ${f2(deviation)} over ${shares.length} people, 95% interval of the mean ${interval.map(f2).join(' to ')}`;
  });
}

/** What the terminal shows: person by person, then over people. */
export function peopleText(people: readonly Person[]): string {
  const table = textTable({
    kind: 'table',
    id: 'people',
    caption: 'Share right; 0.5 is guessing.',
    rowHeader: 'file',
    columns: [{ label: 'asked' }, { label: 'pairs learnt from' }, { label: 'right' }, { label: 'of' }, { label: 'share', decimals: 2 }],
    rows: people.map((person) => ({
      label: person.file,
      cells: [SHOWN[person.shown], person.taught, rightIn(person), person.answers.length, share(person)],
    })),
  });
  const { users, precision, source } = PAPER_DEPTH;
  const paper = people.some(({ study }) => study.startsWith('depth-indistinguishability/'))
    ? [`The paper’s own: ${precision.text} over ${users} users, asked ${SHOWN.single} (${source}).`]
    : [];
  return [table, '', ...summaries(people), ...paper].join('\n');
}
