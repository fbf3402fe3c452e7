import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { peopleText, readAnswers, readPeople, summaries } from './people.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'people-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Answers as a page saves them: so many right, then wrong ones. */
const saved = (right: number, wrong: number, more: Record<string, unknown> = {}) => ({
  format: 'controllab-pair-study-1',
  study: 'depth-indistinguishability/tell-them-apart',
  models: ['depth base', 'ControlNet'],
  shown: 'single',
  seed: 7,
  taught: 20,
  right,
  asked: right + wrong,
  answers: Array.from({ length: right + wrong }, (_, i) => {
    const answer = i < right ? 'ControlNet' : 'depth base';
    return { pair: i + 1, truth: 'ControlNet', answer, correct: i < right, seconds: 1.5 };
  }),
  ...more,
});

const file = (name: string, content: unknown): string => {
  writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return path.join(folder, name);
};

describe('people', () => {
  it('are averaged with the deviation between them, study by study and question by question', () => {
    const people = readPeople([
      file('a.json', saved(4, 6)),
      file('b.json', saved(5, 5)),
      file('c.json', saved(9, 1)),
      file('d.json', saved(3, 1, { shown: 'pairs' })),
    ]);
    // 0.4, 0.5 and 0.9: mean 0.6, deviation sqrt(0.07); Student's t of 2 degrees of freedom is 4.303, cut at 1.
    expect(summaries(people)).toEqual([
      'depth-indistinguishability/tell-them-apart, asked one by one: 0.60 ± 0.26 over 3 people, 95% interval of the mean 0.00 to 1.00',
      'depth-indistinguishability/tell-them-apart, asked side by side: 0.75, one person',
    ]);
    const text = peopleText(people);
    expect(text).toMatch(/c\.json +one by one +20 +9 +10 +0\.90/);
    expect(text).toContain('The paper’s own: 0.52 ± 0.17 over 12 users, asked one by one');
    expect(peopleText(readPeople([file('other.json', saved(4, 6, { study: 'mine/whose' }))]))).not.toContain('paper');
  });

  it('may have saved a table', () => {
    const rows = ['1,3,left,left,1,0.5', '2,8,right,left,0,1'].map((row) => `depth-x/y,pairs,4,10,2,${row}\r\n`).join('');
    const table = `study,shown,seed,taught,asked,question,pair,truth,answer,correct,seconds\r\n${rows}`;
    expect(readAnswers('a.csv', table)).toEqual({
      file: 'a.csv',
      study: 'depth-x/y',
      shown: 'pairs',
      seed: 4,
      taught: 10,
      answers: [
        { pair: 3, truth: 'left', answer: 'left' },
        { pair: 8, truth: 'right', answer: 'left' },
      ],
    });
    expect(() => readAnswers('a.csv', table.replace('4,10,2,2', '5,10,2,2'))).toThrow('its rows differ in seed');
    expect(() => readAnswers('a.csv', table.slice(0, table.lastIndexOf('depth-x')))).toThrow('it has 1 answers of 2');
  });

  it.each([
    ['a copy', [saved(4, 6), saved(4, 6)], /1\.json holds the same answers as .*0\.json: a person counts once/],
    ['another file', [{ format: 'controllab-report-2' }], 'its format is "controllab-report-2", expected "controllab-pair-study-1"'],
    ['no answers', [saved(0, 0)], 'it has 0 answers of 0'],
    ['answers that were left out', [saved(3, 3, { asked: 7 })], 'it has 6 answers of 7'],
    ['a list that is none', [saved(1, 1, { answers: 'many' })], 'it has no list of answers'],
    ['another question', [saved(1, 1, { shown: 'three' })], 'shown is "three", expected "pairs" or "single"'],
    ['a number that is none', [saved(1, 1, { seed: 1.5 })], 'seed is 1.5, expected a whole number'],
    [
      'a changed answer',
      [JSON.stringify(saved(1, 1)).replace('"answer":"depth base"', '"answer":"ControlNet"')],
      /answer 2, .* it was changed/,
    ],
    ['half a file', [JSON.stringify(saved(3, 3)).slice(0, 200)], 'is not what a study’s page saves'],
    ['an empty file', [''], 'it names no study'],
    ['a table of something else', ['a,b\r\n1,2\r\n'], 'it names no study'],
    ['null', ['{"format":"controllab-pair-study-1","study":"a/b","shown":"pairs","answers":[null]}'], 'is not what a study’s page saves'],
  ])('are refused with %s', (name, contents, message) => {
    const files = contents.map((content, i) => file(`${name.replaceAll(' ', '-')}-${i}.json`, content));
    expect(() => readPeople(files)).toThrow(message);
    expect(() => readPeople(files)).toThrow(expect.objectContaining({ code: 'invalid-answers' }) as Error);
  });

  it('are refused where a file is not there', () => {
    expect(() => readPeople([path.join(folder, 'nobody.json')])).toThrow(/nobody\.json cannot be read: ENOENT/);
  });
});
