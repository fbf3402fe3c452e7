import { expect, it } from 'vitest';
import { questionSection, type Question } from './questions.ts';
import type { View } from './view.ts';

const arms = ['a', 'b', 'c'].map((id) => ({ id, label: `arm ${id}` }));
const question: Question = {
  id: 'which',
  title: 'Which?',
  threads: [{ repository: 'owner/name', number: 7 }],
  asked: 'which of two.',
  needs: ['a', 'b'],
  also: ['c'],
  answer: 'the first.',
  blocks: [{ kind: 'prose', text: 'shown' }],
};
/** What the section says where these arms are trained. */
const said = (...trained: string[]): string[] => {
  const view = { experiment: { arms }, arms: arms.filter(({ id }) => trained.includes(id)) } as unknown as View;
  return questionSection(view, question).blocks.map((block) => (block as { text: string }).text);
};
const ASKED = 'Asked in [name#7](https://github.com/owner/name/issues/7): which of two.';

it('answers a question, and says what it left out of it', () => {
  expect(said('a', 'b', 'c')).toEqual([`${ASKED}\n\n**Here:** the first.`, 'shown']);
  expect(said('a', 'b')).toEqual([`${ASKED}\n\n**Here:** the first. Left to \`--profile standard\`: arm c.`, 'shown']);
});

it('does not answer by half of a comparison', () => {
  expect(said('a')).toEqual([
    `${ASKED}\n\n**Not in this profile**, which does not train what is compared: \`--profile standard\` trains arm b; arm c.`,
  ]);
});
