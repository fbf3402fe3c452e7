import { formatNumber, type Block, type Measurement, type Section } from '@controllab/report';
import type { View } from './view.ts';

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
  const text = (x: number): string => formatNumber(x, digits);
  return interval === null ? text(value) : `${text(value)} [${interval.map(text).join(', ')}]`;
};

/** Of arms or drawings those with the ids, in the order of the ids; what a profile lacks is left out. */
export const named = <T extends { readonly id: string }>(ids: readonly string[], all: readonly T[]): T[] =>
  ids.flatMap((id) => all.filter((one) => one.id === id));

/** Consecutive seeds as a label has them. */
export const seedsText = (seeds: readonly number[]): string =>
  seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;

/** Numbers one behind the other in a sentence. */
export const listText = (items: readonly string[]): string => (items.length === 0 ? 'not trained in this profile' : items.join('; '));

/** A question that users asked, answered where it can be linked to: the threads, what was asked, the answer in numbers, what shows it. */
export interface Question {
  readonly id: string;
  readonly title: string;
  readonly threads: readonly Thread[];
  /** What is asked, in our words. */
  readonly asked: string;
  /** Arms without which there is no answer. */
  readonly needs: readonly string[];
  /** Arms that belong to it too, where a profile trains them. */
  readonly also?: readonly string[];
  readonly answer: string;
  readonly blocks: readonly Block[];
}

/** A question as a section of a page. Of arms that its profile does not train it says so: half of a comparison answers nothing. */
export function questionSection(view: View, { id, title, threads, asked, needs, also = [], answer, blocks }: Question): Section {
  const trained = view.arms.map((arm) => arm.id);
  const untrained = (ids: readonly string[]): string[] =>
    view.experiment.arms.filter((arm) => ids.includes(arm.id) && !trained.includes(arm.id)).map(({ label }) => label);
  const lacking = untrained(needs);
  const left = untrained([...needs, ...also]);
  const [said, shown] =
    lacking.length > 0
      ? [`**Not in this profile**, which does not train what is compared: \`--profile standard\` trains ${left.join('; ')}.`, []]
      : [`**Here:** ${answer}${left.length === 0 ? '' : ` Left to \`--profile standard\`: ${left.join('; ')}.`}`, blocks];
  return { id, title, blocks: [{ kind: 'prose', text: `Asked in ${threads.map(threadLink).join(', ')}: ${asked}\n\n${said}` }, ...shown] };
}
