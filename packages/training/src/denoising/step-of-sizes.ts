import type { CompiledFunction } from '@controllab/tfjs-onnx';
import { TrainingError } from '../errors.ts';
import type { OptimizerSettings } from '../optimizer-inputs.ts';
import type { LatentSize } from '@controllab/core-blocks';

/** A training step that is compiled; see `compileTrainStep`. */
type CompiledStep = CompiledFunction & { optimizer: OptimizerSettings };

const keyOf = (height: number, width: number): string => `${height} x ${width}`;

/**
 * Steps for pictures of several sizes as one: each batch runs on the step of its size, which goes on with the state that the last one left.
 * A step is compiled when its size comes for the first time. Every one of them holds the frozen weights.
 * @param compile compiles the step of a size, one step a run
 * @throws TrainingError invalid-options, when it runs, for a batch of another size
 */
export async function stepOfSizes(
  sizes: readonly [LatentSize, ...LatentSize[]],
  compile: (size: LatentSize) => Promise<CompiledStep>,
): Promise<Pick<CompiledStep, 'run' | 'state' | 'stepsPerRun' | 'optimizer' | 'release'>> {
  const steps = new Map<string, CompiledStep>();
  const open = async (height: number, width: number): Promise<CompiledStep> => {
    const key = keyOf(height, width);
    const size = sizes.find((one) => keyOf(one.height, one.width) === key);
    if (size === undefined)
      throw new TrainingError(
        'invalid-options',
        `no step is for latents of ${key}; there are ${sizes.map((one) => keyOf(one.height, one.width)).join(', ')}`,
        {
          height,
          width,
        },
      );
    const step = steps.get(key) ?? (await compile(size));
    steps.set(key, step);
    return step;
  };
  let current = await open(sizes[0].height, sizes[0].width);
  return {
    stepsPerRun: 1,
    optimizer: current.optimizer,
    get state() {
      return current.state;
    },
    set state(next) {
      current.state = next;
    },
    async run(inputs) {
      const [height = 0, width = 0] = inputs['sample']!.shape.slice(-2);
      const step = await open(height, width);
      if (step !== current) {
        step.state = current.state;
        current = step;
      }
      return step.run(inputs);
    },
    async release() {
      for (const step of steps.values()) await step.release();
    },
  };
}
