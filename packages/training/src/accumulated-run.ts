import type { CompiledFunction, HostTensor } from '@controllab/tfjs-onnx';

/** A tensor's rows in micro-batches: [A N, ...] to [A, N, ...], of several steps [K, A N, ...] to [K A, N, ...]. Nothing is copied. */
function inMicroBatches({ data, shape }: HostTensor, accumulation: number, steps: number): HostTensor {
  const [rows = 0, ...rest] = steps === 1 ? shape : shape.slice(1);
  return { data, shape: [steps * accumulation, rows / accumulation, ...rest] };
}

/** One number a step, [] or [K], as one a micro-batch, [K A]. */
const forEach = ({ data }: HostTensor, accumulation: number): HostTensor => ({
  data: Float32Array.from({ length: data.length * accumulation }, (_, i) => data[Math.floor(i / accumulation)]!),
  shape: [data.length * accumulation],
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/**
 * A compiled micro-batch as a step: it is run `accumulation` times for each, inside one native call, and is told which is the last. The
 * loss is the mean of those of the micro-batches.
 * @param options.batch the inputs that are cut into micro-batches; all others are numbers of the step
 */
export function accumulatedRun(
  compiled: CompiledFunction,
  { accumulation, batch }: { accumulation: number; batch: readonly string[] },
): CompiledFunction {
  const stepsPerRun = compiled.stepsPerRun / accumulation;
  const lastOfStep: HostTensor = {
    data: Float32Array.from({ length: compiled.stepsPerRun }, (_, i) => Number(i % accumulation === accumulation - 1)),
    shape: [compiled.stepsPerRun],
  };
  return {
    stepsPerRun,
    cost: compiled.cost,
    get state() {
      return compiled.state;
    },
    set state(next) {
      compiled.state = next;
    },
    async run(inputs) {
      const fed = Object.entries(inputs).map(
        ([name, tensor]) =>
          [name, batch.includes(name) ? inMicroBatches(tensor, accumulation, stepsPerRun) : forEach(tensor, accumulation)] as const,
      );
      const { loss } = await compiled.run({ ...Object.fromEntries(fed), last_of_step: lastOfStep });
      const losses = Float32Array.from({ length: stepsPerRun }, (_, k) =>
        mean(Array.from(loss!.data.subarray(k * accumulation, (k + 1) * accumulation))),
      );
      return { loss: { data: losses, shape: stepsPerRun === 1 ? [] : [stepsPerRun] } };
    },
    release: () => compiled.release(),
  };
}
