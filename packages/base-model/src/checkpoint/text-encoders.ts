import * as tf from '@tensorflow/tfjs';
import {
  ClipTextTower,
  Module,
  TextTransformer,
  withParameters,
  type ClipTextConfig,
  type TextEncoder,
  type TextTransformerConfig,
  type Weights,
} from '@controllab/core-blocks';
import { compile, type CompileOptions, type HostTensor, type NamedTensors } from '@controllab/tfjs-onnx';
import type { Base, Prompt, PromptEncoder } from '../base.ts';
import { weighEmbeddings } from '../prompts/token-weights.ts';

/** The text encoders of a checkpoint by diffusers' names: one for Stable Diffusion 1 and 2, two for XL. */
export class TextEncoders extends Module {
  text_encoder: TextTransformer;
  text_encoder_2: ClipTextTower | null;

  readonly #skip: number;

  /** @param skip layers at the end of each that are passed over: diffusers' `clip_skip` */
  constructor(first: TextTransformerConfig, second: ClipTextConfig | null, skip = 0) {
    super();
    this.#skip = skip;
    this.text_encoder = new TextTransformer(first);
    this.text_encoder_2 = second && new ClipTextTower(second);
  }

  /** Each with the name of its ids, in order. */
  encoders(): { name: string; input: string; module: TextTransformer }[] {
    const first = { name: 'text_encoder', input: 'ids', module: this.text_encoder };
    return this.text_encoder_2 ? [first, { name: 'text_encoder_2', input: 'ids2', module: this.text_encoder_2 }] : [first];
  }

  /**
   * What one of the encoders gives for ids [N, S]: SD1 and SD2 take the last hidden state behind the final layer norm, XL both encoders'
   * last but one, and the second's pooled embedding. Of layers that are skipped, none counts but for that embedding.
   */
  encodeOne(module: TextTransformer, ids: tf.Tensor): { context: tf.Tensor; textEmbeds?: tf.Tensor } {
    if (module === this.text_encoder_2) {
      const { penultimate, embeds } = this.text_encoder_2.encode(ids, this.#skip);
      return { context: penultimate, textEmbeds: embeds };
    }
    const { states, penultimate } = module.encode(ids, this.#skip);
    return { context: this.text_encoder_2 ? penultimate : states };
  }
}

/** The encoders as one traced function, as training needs them. */
export function tracedTextEncoder(module: TextEncoders): TextEncoder {
  const encoders = module.encoders();
  return {
    module,
    inputs: (batch) =>
      Object.fromEntries(
        encoders.map((encoder) => [
          encoder.input,
          { shape: [batch, encoder.module.config.max_position_embeddings], dtype: 'int32' as const },
        ]),
      ),
    encode: (t): NamedTensors => {
      const parts = encoders.map((encoder) => module.encodeOne(encoder.module, t[encoder.input]!));
      const [first, second] = parts;
      if (!second) return { context: first!.context };
      return { context: tf.concat([first!.context, second.context], 2), textEmbeds: second.textEmbeds! };
    },
  };
}

type NamedHostTensors = Record<string, HostTensor>;

/** Joins states of two encoders along the last dimension. */
function concatenate(a: HostTensor, b: HostTensor): HostTensor {
  const [n, s, da] = a.shape as [number, number, number];
  const db = b.shape[2] as number;
  const data = new Float32Array(n * s * (da + db));
  for (let row = 0; row < n * s; row++) {
    data.set(a.data.subarray(row * da, (row + 1) * da), row * (da + db));
    data.set(b.data.subarray(row * db, (row + 1) * db), row * (da + db) + da);
  }
  return { data, shape: [n, s, da + db] };
}

/** The same with zeros in some rows. */
function zeroRows({ data, shape }: HostTensor, rows: readonly number[]): HostTensor {
  const out = Float32Array.from(data);
  const row = data.length / shape[0]!;
  for (const n of rows) out.fill(0, n * row, (n + 1) * row);
  return { data: out, shape };
}

/**
 * Runs the encoders one after the other on all lists of prompts that are given at a time; each is let go of before the next is loaded.
 * @param weights under `text.`
 * @param options.zeroEmpty where there is no prompt, the embeddings are zero (SDXL's `force_zeros_for_empty_prompt`), not the empty
 * prompt's
 */
export function promptEncoder(
  module: TextEncoders,
  weights: Weights,
  tokenize: Base['tokenize'],
  engine: CompileOptions,
  { zeroEmpty, say }: { zeroEmpty: boolean; say?: (message: string) => void },
): PromptEncoder {
  const run = async ({ name, input, module: encoder }: ReturnType<TextEncoders['encoders']>[number], lists: readonly HostTensor[]) => {
    const prefix = `text.${name}`;
    const constants = Object.fromEntries(Object.entries(weights).filter(([key]) => key.startsWith(`${prefix}.`)));
    const network = await compile(
      ({ inputs, constants: bound }) =>
        withParameters({ [prefix]: encoder }, bound, () => ({
          outputs: module.encodeOne(encoder, inputs[input]!) as NamedTensors,
        })),
      { inputs: { [input]: { shape: lists[0]!.shape, dtype: 'int32' } }, constants },
      { ...engine, name: 'text encoder' },
    );
    try {
      const encoded: NamedHostTensors[] = [];
      for (const ids of lists) encoded.push(await network.run({ [input]: ids }));
      return encoded;
    } finally {
      await network.release();
    }
  };
  /** What the encoders give for one list, in their order, as the denoiser reads it. */
  const joined = (prompts: readonly Prompt[], [first, second]: readonly NamedHostTensors[]): NamedHostTensors => {
    const encoded: NamedHostTensors = second
      ? { context: concatenate(first!['context']!, second['context']!), textEmbeds: second['textEmbeds']! }
      : { context: first!['context']! };
    const absent = zeroEmpty ? [...prompts.keys()].filter((n) => prompts[n] === null) : [];
    if (absent.length === 0) return encoded;
    return Object.fromEntries(Object.entries(encoded).map(([name, tensor]) => [name, zeroRows(tensor, absent)]));
  };
  return {
    async run(lists) {
      const tokens = lists.map((prompts) =>
        tokenize(
          prompts.map((prompt) => prompt ?? ''),
          say,
        ),
      );
      const parts: NamedHostTensors[][] = lists.map(() => []);
      for (const encoder of module.encoders()) {
        const states = await run(
          encoder,
          tokens.map((ids) => ids[encoder.input]!),
        );
        for (const [i, one] of states.entries())
          parts[i]!.push({ ...one, context: weighEmbeddings(one['context']!, tokens[i]!, encoder.input) });
      }
      return lists.map((prompts, i) => joined(prompts, parts[i]!));
    },
    release: async () => {},
  };
}
