import { DataScalingError } from '../errors.ts';

/** The sizes of the thesis on scaling ControlNet, and the paper's own 3M behind them. */
export const SIZES = [1e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 3e6] as const;

/** A model of a sweep: what one example costs it, forward and backward. */
export interface SweptModel {
  readonly id: string;
  readonly flopsPerExample: number;
}

/** What is held equal over the sizes. */
export type Budget = { readonly steps: number } | { readonly epochs: number } | { readonly flops: number };

/** One training of a sweep. */
export interface PlannedRun {
  readonly model: string;
  /** Examples of the subset. */
  readonly size: number;
  readonly steps: number;
  /** Steps times batch: how often an example is seen, over all. */
  readonly examples: number;
  readonly epochs: number;
  readonly flops: number;
}

/**
 * The trainings of a sweep over sizes and models, at equal steps, equal epochs or equal compute. Whole steps: an equal budget is met to one
 * step.
 * @throws DataScalingError invalid-argument naming the value, or the training that the budget does not pay one step of
 */
export function planSweep({
  sizes = SIZES,
  models,
  batch,
  budget,
}: {
  sizes?: readonly number[];
  models: readonly SweptModel[];
  batch: number;
  budget: Budget;
}): PlannedRun[] {
  const [[equal, amount]] = Object.entries(budget) as [[keyof (Budget & object), number]];
  for (const [name, value] of [
    ['batch', batch] as const,
    [equal, amount] as const,
    ...sizes.map((size) => ['size', size] as const),
    ...models.map(({ flopsPerExample }) => ['flopsPerExample', flopsPerExample] as const),
  ])
    if (!(value > 0) || !Number.isFinite(value))
      throw new DataScalingError('invalid-argument', `a sweep's ${name} is a positive number, got ${value}`, { [name]: value });
  return models.flatMap(({ id, flopsPerExample }) =>
    [...sizes]
      .sort((a, b) => a - b)
      .map((size) => {
        const steps =
          'steps' in budget
            ? Math.round(budget.steps)
            : 'epochs' in budget
              ? Math.ceil((budget.epochs * size) / batch)
              : Math.floor(budget.flops / (flopsPerExample * batch));
        if (steps < 1)
          throw new DataScalingError(
            'invalid-argument',
            `${id} at ${size}: ${equal} of ${amount} are less than one step of ${batch} examples`,
            {
              model: id,
              size,
            },
          );
        const examples = steps * batch;
        return { model: id, size, steps, examples, epochs: examples / size, flops: examples * flopsPerExample };
      }),
  );
}
