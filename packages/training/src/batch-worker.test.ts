import { describe, expect, it } from 'vitest';
import { startBatchWorker } from './batch-worker.ts';
import { fakeBatch } from './testing/fake-step.ts';

const open = (data: unknown, ahead?: number) =>
  startBatchWorker({ module: new URL('./testing/fake-batches.ts', import.meta.url), data, ahead });

describe('startBatchWorker', () => {
  it('gives the batches of a .ts module in order, from any first step, stacked on request', async () => {
    const source = open({}, 2);
    for (let step = 5; step < 12; step++) {
      const { inputs, indices } = await fakeBatch(step);
      expect(await source.next(step, 1, 12)).toEqual({ inputs, indices: [indices] });
    }
    expect((await source.next(12, 3, 18)).inputs.x!.shape).toEqual([3, 1]);
    await source.close();
  });
  it('copies views before handing them over', async () => {
    const source = open({ shared: true });
    for (let step = 0; step < 4; step++)
      expect((await source.next(step, 1, 4)).inputs.x).toEqual({ data: Float32Array.of(step, step + 1), shape: [2] });
    await source.close();
  });
  it('throws an error of the factory with its stack, and only for its step', async () => {
    const source = open({ failAt: 1 });
    await source.next(0, 1, 3);
    await expect(source.next(1, 1, 3)).rejects.toThrow(
      /batch of step 1 failed in the batch worker .*fake-batches\.ts\): RangeError: no sample for step 1\n +at .*fake-batches\.ts/,
    );
    await source.close();
  });
  it('explains an array that was handed over before', async () => {
    const source = open({ failAt: -2 });
    await source.next(0, 1, 2);
    await expect(source.next(1, 1, 2)).rejects.toThrow(
      /input x has 0 values for shape \[2\] \(its buffer was handed over with an earlier batch/,
    );
    await source.close();
  });
  it('says in a sentence that a batch does not come, at its step and after', async () => {
    const source = startBatchWorker({
      module: new URL('./testing/fake-batches.ts', import.meta.url),
      data: { hangAt: 1 },
      ahead: 0,
      timeoutSeconds: 30,
    });
    await source.next(0, 1, 3);
    await source.close();
    const hanging = startBatchWorker({
      module: new URL('./testing/fake-batches.ts', import.meta.url),
      data: { hangAt: 0 },
      timeoutSeconds: 1,
    });
    await expect(hanging.next(0, 1, 3)).rejects.toMatchObject({
      code: 'batch-worker-hangs',
      message: expect.stringMatching(/has not made the batch of step 0 in 1 seconds: .*run the same command again/) as string,
    });
    await expect(hanging.next(1, 1, 3)).rejects.toMatchObject({ code: 'batch-worker-hangs' });
    await hanging.close();
  });
  it('reports a worker that dies instead of hanging', async () => {
    const source = open({ exitAt: 1 });
    await source.next(0, 1, 3);
    await expect(source.next(1, 1, 3)).rejects.toMatchObject({ code: 'batch-worker-died', values: { exitCode: 7 } });
    await expect(source.next(2, 1, 3)).rejects.toThrow(/exited with code 7/);
    await source.close();
    const missing = startBatchWorker({ module: new URL('./no-such-module.ts', import.meta.url) });
    await expect(missing.next(0, 1, 1)).rejects.toThrow(/no-such-module/);
    await missing.close();
  });
});
