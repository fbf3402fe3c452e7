import * as tf from '@tensorflow/tfjs';
import { guessModeWeights, resolutionWeights, scaleResiduals } from '@controllab/controlnet';
import { repeatTokens, type Companion, type ControlledOptions, type EncoderPlace, type Injection } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';

/**
 * How the connections of a ControlNet are weighed against each other: all the same; `guess`, for control without a prompt, from a tenth at
 * the finest to all at the deepest; `resolution`, the paper's weights H / h_i (ControlNet, section 3.4).
 */
export type Weighting = 'equal' | 'guess' | 'resolution';

/** What a control gives the U-Net, its connections weighed. @throws BaseModelError invalid-control when it has none to weigh */
export function weighConnections(options: ControlledOptions, weighting: Weighting): ControlledOptions {
  if (weighting === 'equal') return options;
  const { downBlockAdditionalResiduals: down, midBlockAdditionalResidual: middle } = options;
  if (down === undefined || middle === undefined)
    throw new BaseModelError(
      'invalid-control',
      `${weighting} weighting weighs the connections of a ControlNet to skips and middle block; this control has no such connections.`,
      { weighting },
    );
  const residuals = { downBlockResiduals: [...down], midBlockResidual: middle };
  const weights = weighting === 'guess' ? guessModeWeights(down.length + 1) : resolutionWeights(residuals);
  const weighed = scaleResiduals(residuals, 1, weights);
  return { ...options, downBlockAdditionalResiduals: weighed.downBlockResiduals, midBlockAdditionalResidual: weighed.midBlockResidual };
}

const zerosBehind = (x: tf.Tensor, rows: number): tf.Tensor => tf.concat([x, tf.zeros([rows, ...x.shape.slice(1)])], 0);

/** The first rows of a batch, and the others. */
const split = (x: tf.Tensor, first: number): [tf.Tensor, tf.Tensor] =>
  tf.split(x, [first, (x.shape[0] as number) - first], 0) as [tf.Tensor, tf.Tensor];

const injectFirst = ({ point, apply }: Injection, rows: number): Injection => ({
  point,
  apply(x) {
    const [first, others] = split(x, rows);
    return tf.concat([apply(first), others], 0);
  },
});

/** What the layers in front of a place saw of the first rows. */
const placeOfFirst = ({ state, input, conditions }: EncoderPlace, rows: number): EncoderPlace => ({
  state,
  input: split(input, rows)[0],
  conditions: {
    ...conditions,
    temb: conditions.temb && split(conditions.temb, rows)[0],
    context: split(conditions.context, rows)[0],
  },
});

function accompanyFirst(companion: Companion, rows: number): Companion {
  const onFirst = (x: tf.Tensor, of: (first: tf.Tensor) => tf.Tensor): tf.Tensor => {
    const [first, others] = split(x, rows);
    return tf.concat([of(first), others], 0);
  };
  return {
    encoded: (x, place) => onFirst(x, (first) => companion.encoded(first, placeOfFirst(place, rows))),
    decoding: (x, state) => (companion.decoding === undefined ? x : onFirst(x, (first) => companion.decoding!(first, state))),
  };
}

/**
 * A control's context for the first rows of a batch, those with a prompt; the others keep theirs of `text`, [N, S, D] for the whole batch.
 */
export function contextOfFirst(options: ControlledOptions, rows: number, text: tf.Tensor): ControlledOptions {
  const { context } = options;
  if (context === undefined) return options;
  const first = tf.slice(context, [0, 0, 0], [rows, -1, -1]);
  return { ...options, context: tf.concat([first, repeatTokens(split(text, rows)[1], context.shape[1] as number)], 0) };
}

/**
 * What a control gave for the first rows of a batch, made to leave the others alone: they get zero residuals, no injection, no companion,
 * and zeros in the channels that the input is widened by. A context is left as it is, see {@link contextOfFirst}.
 * @param sample of the whole batch, [N, C, h, w]
 */
export function firstRowsOnly(options: ControlledOptions, rows: number, sample: tf.Tensor): ControlledOptions {
  const others = (sample.shape[0] as number) - rows;
  const { downBlockAdditionalResiduals: down, midBlockAdditionalResidual: middle, inject, companion, sample: widened, context } = options;
  const extra = widened === undefined ? 0 : (widened.shape[1] as number) - (sample.shape[1] as number);
  const widen = (x: tf.Tensor): tf.Tensor => tf.concat([x, tf.zeros([others, extra, ...x.shape.slice(2)])], 1);
  return {
    ...(down === undefined ? {} : { downBlockAdditionalResiduals: down.map((residual) => zerosBehind(residual, others)) }),
    ...(middle === undefined ? {} : { midBlockAdditionalResidual: zerosBehind(middle, others) }),
    ...(inject === undefined ? {} : { inject: injectFirst(inject, rows) }),
    ...(companion === undefined ? {} : { companion: accompanyFirst(companion, rows) }),
    ...(widened === undefined ? {} : { sample: tf.concat([widened, widen(split(sample, rows)[1])], 0) }),
    ...(context === undefined ? {} : { context }),
  };
}

const add = (a: tf.Tensor | undefined, b: tf.Tensor | undefined): tf.Tensor | undefined =>
  a === undefined ? b : b === undefined ? a : tf.add(a, b);

function addEach(a: readonly tf.Tensor[] | undefined, b: readonly tf.Tensor[] | undefined): readonly tf.Tensor[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.length !== b.length)
    throw new BaseModelError('invalid-control', `Two controls add to ${a.length} and to ${b.length} skips of one U-Net.`, {
      skips: [a.length, b.length],
    });
  return a.map((residual, i) => tf.add(residual, b[i]!));
}

function addInjections(a: Injection | undefined, b: Injection | undefined): Injection | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.point !== b.point)
    throw new BaseModelError(
      'invalid-control',
      `Two controls change the main branch at different points, ${a.point} and ${b.point}; a U-Net takes a change at one.`,
      { points: [a.point, b.point] },
    );
  return { point: a.point, apply: (x) => tf.add(a.apply(x), tf.sub(b.apply(x), x)) };
}

/** Each sees the U-Net's own features, and what both change of them is added. */
function addCompanions(a: Companion | undefined, b: Companion | undefined): Companion | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    encoded: (x, place) => tf.add(a.encoded(x, place), tf.sub(b.encoded(x, place), x)),
    decoding: (x, state) => tf.add(a.decoding?.(x, state) ?? x, tf.sub(b.decoding?.(x, state) ?? x, x)),
  };
}

function addTwo(a: ControlledOptions, b: ControlledOptions): ControlledOptions {
  if (a.sample !== undefined && b.sample !== undefined)
    throw new BaseModelError('invalid-control', "Two controls widen the U-Net's input; their first convolutions are two different ones.");
  if (a.context !== undefined && b.context !== undefined)
    throw new BaseModelError('invalid-control', "Two controls give the U-Net a context in the text's place; it takes one.");
  const down = addEach(a.downBlockAdditionalResiduals, b.downBlockAdditionalResiduals);
  const middle = add(a.midBlockAdditionalResidual, b.midBlockAdditionalResidual);
  const inject = addInjections(a.inject, b.inject);
  const companion = addCompanions(a.companion, b.companion);
  const sample = a.sample ?? b.sample;
  const context = a.context ?? b.context;
  return {
    ...(down === undefined ? {} : { downBlockAdditionalResiduals: down }),
    ...(middle === undefined ? {} : { midBlockAdditionalResidual: middle }),
    ...(inject === undefined ? {} : { inject }),
    ...(companion === undefined ? {} : { companion }),
    ...(sample === undefined ? {} : { sample }),
    ...(context === undefined ? {} : { context }),
  };
}

/**
 * Several controls at once: what they add is added (ControlNet, section 3.4: no extra weighting is needed).
 * @throws BaseModelError invalid-control for two changes of the main branch at different points, two widened inputs, or two contexts
 */
export const addControls = (controls: readonly ControlledOptions[]): ControlledOptions => controls.reduce(addTwo, {});
