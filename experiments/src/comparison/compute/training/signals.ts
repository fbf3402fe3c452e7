import type { HostTensor } from '@controllab/tfjs-onnx';
import { stateTensors } from '@controllab/training';
import { LOSS_PROMPTS, meanSquares, type Predictions } from '../judging/held-out-loss.ts';

/** What goes on inside a control while it trains: what may tell beforehand when control will come. */
export interface Signals {
  /** Root mean square of the weights that started at zero; 0 where none did. */
  readonly connections: number;
  /** Root mean square of what the control adds to the base model's prediction, over held-out scenes, timesteps and prompt settings. */
  readonly residual: number;
  /** Root mean square of the mean gradient (AdamW's first moment, its bias corrected) over all that trains. */
  readonly momentum: number;
  /** Root mean square of the gradient itself (AdamW's second moment, its bias corrected). */
  readonly gradient: number;
}

export const SIGNALS = ['connections', 'residual', 'momentum', 'gradient'] as const satisfies readonly (keyof Signals)[];

const BETAS = [0.9, 0.999] as const;

/** Sum of `of` over all values of some tensors, divided by their number. */
function meanOf(tensors: readonly HostTensor[], of: (value: number) => number): number {
  let [sum, count] = [0, 0];
  for (const { data } of tensors) {
    for (const value of data) sum += of(value as number);
    count += data.length;
  }
  return count === 0 ? 0 : sum / count;
}

const square = (value: number): number => value * value;

/** Names of the weights (not biases) that are zero before the first step: zero convolutions, where a method has them. */
export const startsAtZero = (start: Readonly<Record<string, HostTensor>>): string[] =>
  Object.entries(start).flatMap(([name, { data, shape }]) =>
    shape.length > 1 && (data as Float32Array).every((value) => value === 0) ? [name] : [],
  );

/**
 * The signals of a training state after so many steps.
 * @param zero see {@link startsAtZero}
 * @param alone what the base model predicts without the control, on what `controlled` is of
 */
export function signalsOf(
  state: Readonly<Record<string, HostTensor>>,
  {
    step,
    zero,
    controlled,
    alone,
    betas = BETAS,
  }: {
    step: number;
    zero: readonly string[];
    controlled: Predictions;
    alone: Predictions;
    betas?: readonly [number, number];
  },
): Signals {
  const parameters = stateTensors(state, 'p');
  const corrected = (moment: number, beta: number): number => (step === 0 ? 0 : moment / (1 - beta ** step));
  const added = LOSS_PROMPTS.flatMap((prompt) =>
    controlled[prompt].map((predicted, i) => meanSquares(predicted, alone[prompt][i]!, 1)[0]!),
  );
  return {
    connections: Math.sqrt(
      meanOf(
        zero.map((name) => parameters[name]!),
        square,
      ),
    ),
    residual: Math.sqrt(added.reduce((a, b) => a + b, 0) / added.length),
    momentum: corrected(Math.sqrt(meanOf(Object.values(stateTensors(state, 'm')), square)), betas[0]),
    gradient: Math.sqrt(
      corrected(
        meanOf(Object.values(stateTensors(state, 'v')), (value) => value),
        betas[1],
      ),
    ),
  };
}
