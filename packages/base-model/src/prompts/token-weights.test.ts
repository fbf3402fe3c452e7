import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import reference from '../testing/diffusers-reference.json' with { type: 'json' };
import { writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { parsePromptWeights } from './parse-weights.ts';
import { weighEmbeddings } from './token-weights.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weights-'));
beforeAll(() => {
  writeTinyModel(path.join(directory, 'sd'));
  writeTinyModel(path.join(directory, 'xl'), { xl: true });
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const encode = (name: string, prompts: Parameters<ReturnType<typeof openCheckpoint>['encodePrompts']>[0]) =>
  openCheckpoint(path.join(directory, name)).encodePrompts(prompts, { threads: 1 });
const row = ({ data, shape }: HostTensor, n: number): number[] => [
  ...data.slice((n * data.length) / shape[0]!, ((n + 1) * data.length) / shape[0]!),
];

it.each(['sd', 'xl'] as const)("weighs %s's embeddings as A1111 does, each encoder's for itself", async (name) => {
  const { context, textEmbeds } = await encode(name, [parsePromptWeights('(a (cat:1.3)) b'), 'a cat b', parsePromptWeights('a cat b')]);
  reference.embeddings[name].forEach((value, i) => expect(row(context!, 0)[i]).toBeCloseTo(value, 4));
  expect(row(context!, 0)).not.toEqual(row(context!, 1));
  expect(row(context!, 2)).toEqual(row(context!, 1));
  if (textEmbeds) expect(row(textEmbeds, 0)).toEqual(row(textEmbeds, 1));
});

it('multiplies tokens and gives the mean back, by hand', () => {
  const embeddings = { data: Float32Array.of(1, 2, 3, 6, 1, 1, 1, 1), shape: [2, 2, 2] };
  const tokens = { 'ids.weights': { data: Float32Array.of(1, 3, 1, 1), shape: [2, 2] } };
  // 1 2 9 18 has the mean 7.5, before it was 3.
  const { data } = weighEmbeddings(embeddings, tokens, 'ids');
  [0.4, 0.8, 3.6, 7.2, 1, 1, 1, 1].forEach((value, i) => expect(data[i]).toBeCloseTo(value, 6));
});

it('cuts a weighted prompt where the encoder ends, by its own words', () => {
  const base = openCheckpoint(path.join(directory, 'sd'));
  const said: string[] = [];
  const tokens = base.tokenize([parsePromptWeights('a b c d e f g (h i j cat:1.5) (dog:2)')], (message) => said.push(message));
  expect(said).toEqual(['the text encoder reads 10 tokens; the last 4 of a prompt are cut off: "cat dog"']);
  expect([...tokens['ids.weights']!.data]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1]);
});
