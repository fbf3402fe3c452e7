// A run in a process of its own, for tests that end it from outside: node killable-run.ts DIRECTORY [MS-A-STEP]
import { startBatchWorker } from '../batch-worker.ts';
import { constantRate } from '../learning-rate.ts';
import { runTraining } from '../run-training.ts';
import { fakeState, fakeStep } from './fake-step.ts';

const [directory, delay = '0'] = process.argv.slice(2);
const step = fakeStep();
const run = step.run.bind(step);
step.run = async (inputs) => {
  await new Promise((resolve) => setTimeout(resolve, Number(delay)));
  return run(inputs);
};
const result = await runTraining({
  name: 'killable',
  step,
  directory,
  seed: 1,
  config: {},
  totalSteps: 60,
  checkpointEvery: 5,
  initialState: fakeState,
  learningRate: constantRate({ peak: 0.05, warmup: 10 }),
  batches: startBatchWorker({ module: new URL('./fake-batches.ts', import.meta.url), data: {} }),
});
process.stdout.write(`${result.status} ${result.step} from ${result.resumedFrom} with ${result.losses.length} losses\n`);
