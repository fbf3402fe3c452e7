import type { Block, Measurement, Section } from '@controllab/report';

/** A thread of an issue tracker, where a question was asked. */
export interface Thread {
  /** owner/name on GitHub. */
  readonly repository: string;
  readonly number: number;
}

const threadLink = ({ repository, number }: Thread): string =>
  `[${repository.split('/')[1]}#${number}](https://github.com/${repository}/issues/${number})`;

/** A thread as the source of a claim: plain text. */
export const threadText = (threads: readonly Thread[]): string =>
  threads.map(({ repository, number }) => `${repository}#${number}`).join(', ');

/** A measured number in a sentence, with its interval where it has one. */
export const numberText = ({ value, interval }: Measurement, digits: number): string => {
  const text = (x: number): string => x.toFixed(digits).replace('-', '−');
  return interval === null ? text(value) : `${text(value)} [${interval.map(text).join(', ')}]`;
};

/** Numbers one behind the other in a sentence. */
export const listText = (items: readonly string[]): string => (items.length === 0 ? 'not trained in this profile' : items.join('; '));

/** A question that users asked, answered where it can be linked to: the threads, what was asked, the answer in numbers, what shows it. */
export interface Question {
  readonly id: string;
  readonly title: string;
  readonly threads: readonly Thread[];
  /** What is asked, in our words. */
  readonly asked: string;
  readonly answer: string;
  readonly blocks: readonly Block[];
}

/** A question as a section of a page. */
export const questionSection = ({ id, title, threads, asked, answer, blocks }: Question): Section => ({
  id,
  title,
  blocks: [{ kind: 'prose', text: `Asked in ${threads.map(threadLink).join(', ')}: ${asked}\n\n**Here:** ${answer}` }, ...blocks],
});
