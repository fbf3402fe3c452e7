import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { matchCaptions, readCaptions } from '@controllab/data';
import { readCaptionTokenizer } from '@controllab/metrics';
import { readAnswers } from '../../people/people.ts';
import { readPrompts, type PromptRow } from '../../generate/prompts/read-prompts.ts';
import type { Target } from '../target.ts';
import { refusal } from './tensor-files.ts';

const NAMES = ['a.png', 'sub/b.png', 'ü.png'];

const captionsCsv: Target = {
  name: 'captions-csv',
  samples: async () => [
    Buffer.from('file,caption\na.png,a cat\nsub/b.png,"a dog, ""small"""\nü.png,an owl\n'),
    Buffer.from('\ufeffcaption,file\r\n"two\r\nlines",a.png\r\nx,sub/b.png\r\ny,ü.png\r\n'),
  ],
  place: async (folder) => path.join(folder, 'captions.csv'),
  text: true,
  hostile: () => [
    Buffer.from(`file,caption\na.png,"${'x'.repeat(50_000_000)}`),
    Buffer.from(`file,caption\n${'"'.repeat(1_000_000)}`),
    Buffer.from(`${','.repeat(1_000_000)}\n`),
    Buffer.from('file,caption\na.png,a cat\nsub/b.png,a dog\nü.png,"an ow'),
  ],
  read: async (file) => ({ structure: '', payload: JSON.stringify(matchCaptions('the set', NAMES, await readCaptions(file))) }),
};

/**
 * Prompts for generate. No format tells how many there are: a file that was cut between two of them is a whole one of fewer, and its
 * rows count as the same.
 */
const prompts = (format: string, sample: string, rows: readonly PromptRow[], hostile: readonly string[]): Target => ({
  name: `prompts-${format}`,
  samples: async () => [Buffer.from(sample)],
  place: async (folder) => path.join(folder, `prompts.${format}`),
  text: true,
  hostile: () => hostile.map((text) => Buffer.from(text)),
  read: async (file) => {
    const [found, whole] = [await readPrompts(file), rows].map((all) => all.map((row) => JSON.stringify(row)));
    return { structure: '', payload: found!.every((row, i) => row === whole![i]) ? 'the first rows' : found!.join() };
  },
});

/** What people answered on a study's page, in both formats that it saves. */
const studyAnswers: Target = {
  name: 'study-answers',
  samples: async () => [
    Buffer.from(
      '{"format":"controllab-pair-study-1","study":"a/b","shown":"single","seed":3,"taught":2,"asked":2,"answers":[{"pair":4,"truth":"A","answer":"B","correct":false},{"pair":1,"truth":"B","answer":"B","correct":true}]}',
    ),
    Buffer.from(
      'study,shown,seed,taught,asked,question,pair,truth,answer,correct,seconds\r\na/b,pairs,3,2,2,1,4,left,right,0,1.2\r\na/b,pairs,3,2,2,2,1,left,left,1,0.8\r\n',
    ),
  ],
  place: async (folder) => path.join(folder, 'answers'),
  text: true,
  hostile: () => [
    Buffer.from(`{"format":"controllab-pair-study-1","answers":${'['.repeat(1_000_000)}`),
    Buffer.from(`study,shown\n${'"'.repeat(1_000_000)}`),
    Buffer.from('{"format":"controllab-pair-study-1","study":"a/b","shown":"pairs","seed":1,"taught":1,"asked":1,"answers":[7]}'),
  ],
  read: async (file) => {
    const { answers, ...person } = readAnswers('answers', await readFile(file, 'utf8'));
    return { structure: '', payload: JSON.stringify({ ...person, answers }) };
  },
};

const MERGES = '#version: 0.2\nc a\nca t</w>\nd o\ndo g</w>\n';

const readTokenizer: Target['read'] = async (file) => {
  const tokenizer = await readCaptionTokenizer(file, 16);
  // As a text tower does: merges alone do not tell how many they were.
  if (tokenizer.vocabulary !== 518) throw refusal(`${tokenizer.vocabulary} tokens`);
  const { ids } = tokenizer.encode(['a cat', "the dog's 2 owls!", 'x'.repeat(40)]);
  return { structure: ids.shape.join(), payload: ids.data.join() };
};

const merges: Target = {
  name: 'merges',
  samples: async () => [Buffer.from(MERGES)],
  place: async (folder) => path.join(folder, 'merges.txt'),
  text: true,
  read: readTokenizer,
};

const gzipMerges: Target = {
  name: 'merges-gz',
  samples: async () => [gzipSync(MERGES)],
  place: async (folder) => path.join(folder, 'merges.txt.gz'),
  inner: { text: true, open: (file) => gunzipSync(file), close: (inner) => gzipSync(inner) },
  hostile: () => [gzipSync(Buffer.alloc(300 * 2 ** 20, 'a b\n')), gzipSync(Buffer.alloc(300 * 2 ** 20))],
  read: readTokenizer,
};

export const texts: readonly Target[] = [
  captionsCsv,
  studyAnswers,
  prompts(
    'csv',
    'prompt,negative_prompt,seed\na cat,"blurry, grey",7\n"a ""big"" dog",,\nü,x,0\n',
    [
      { prompt: 'a cat', negativePrompt: 'blurry, grey', seed: 7 },
      { prompt: 'a "big" dog' },
      { prompt: 'ü', negativePrompt: 'x', seed: 0 },
    ],
    [`prompt\n"${'x'.repeat(50_000_000)}`, `${','.repeat(1_000_000)}\n`, 'prompt,prompt\na,b\n', 'prompt,seed\na,4294967296\n'],
  ),
  prompts(
    'jsonl',
    '{"prompt":"a cat","negative_prompt":"blurry","seed":7}\n"a dog"\n\n{"prompt":"ü","seed":null}\n',
    [{ prompt: 'a cat', negativePrompt: 'blurry', seed: 7 }, { prompt: 'a dog' }, { prompt: 'ü' }],
    [
      '['.repeat(5_000_000),
      '{"__proto__":{"prompt":"a cat"}}\n',
      '{"prompt":"a","toString":"b"}\n',
      `${'{"prompt":1}\n'.repeat(1_000_000)}`,
    ],
  ),
  merges,
  gzipMerges,
];
