import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Prompt, PromptPart, PromptText, PromptTokens } from '../base.ts';

/** A prompt as parts; none is an empty one. */
export const promptParts = (prompt: Prompt): readonly PromptPart[] =>
  typeof prompt === 'string' || prompt === null ? [{ text: prompt ?? '', weight: 1 }] : prompt;

/** The name of a token's weights beside those of its ids. */
const weightsName = (input: string): string => `${input}.weights`;

/**
 * Ids of one input of a text encoder and, where one of the prompts has parts, what each token weighs.
 * @param rows of every prompt the ids and weights of all its tokens, start, end and padding included
 */
export function withTokenWeights(
  input: string,
  prompts: readonly PromptText[],
  rows: readonly { readonly ids: Int32Array; readonly weights: Float32Array }[],
): PromptTokens {
  const context = rows[0]?.ids.length ?? 0;
  const shape = [rows.length, context];
  const [ids, weights] = [new Int32Array(rows.length * context), new Float32Array(rows.length * context)];
  rows.forEach((row, n) => {
    ids.set(row.ids, n * context);
    weights.set(row.weights, n * context);
  });
  const weighted = prompts.some((prompt) => typeof prompt !== 'string');
  return { [input]: { data: ids, shape }, ...(weighted ? { [weightsName(input)]: { data: weights, shape } } : {}) };
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Embeddings [N, S, D] with those of each token multiplied by its weight, and then all of a prompt by one factor that gives them back the
 * mean that they had: A1111's `EmphasisOriginal`. A prompt whose tokens all weigh 1 stays as it is.
 * @param tokens what `tokenize` gave, of which `input` is the one that the embeddings were made from
 */
export function weighEmbeddings(embeddings: HostTensor, tokens: PromptTokens, input: string): HostTensor {
  const weights = tokens[weightsName(input)]?.data;
  if (weights === undefined) return embeddings;
  const [rows, context, width] = embeddings.shape as [number, number, number];
  const data = Float32Array.from(embeddings.data);
  for (let n = 0; n < rows; n++) {
    const own = weights.subarray(n * context, (n + 1) * context);
    if (own.every((weight) => weight === 1)) continue;
    const row = data.subarray(n * context * width, (n + 1) * context * width);
    const before = mean(row);
    own.forEach((weight, s) => {
      for (let i = s * width; i < (s + 1) * width; i++) row[i]! *= weight;
    });
    const factor = before / mean(row);
    for (let i = 0; i < row.length; i++) row[i]! *= factor;
  }
  return { data, shape: embeddings.shape };
}
