import type { MakeBatch } from '@controllab/training';

/** Two points a step of the line y = 3 x - 1, functions of the step alone; at `failAt` there are none. */
export default ({ failAt = -1 }: { failAt?: number }): MakeBatch =>
  (step) => {
    if (step === failAt) throw new RangeError(`no points of step ${step}`);
    const x = Float32Array.of((step % 5) / 4, 1);
    return {
      inputs: { x: { data: x, shape: [2] }, y: { data: x.map((at) => 3 * at - 1), shape: [2] } },
      indices: [2 * step, 2 * step + 1],
    };
  };
