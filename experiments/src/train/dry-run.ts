import type { Base } from '@controllab/base-model';
import type { Control, LatentSize } from '@controllab/core-blocks';
import { formatDuration, textTable } from '@controllab/report';
import type { CompiledFunction, HostTensor, TensorSpec } from '@controllab/tfjs-onnx';
import {
  compileTrainStep,
  constantRate,
  denoisingStep,
  initialTrainState,
  optimizerInputs,
  startOf,
  type Recipe,
} from '@controllab/training';
import { onBase } from '../runner/on-base.ts';
import type { Workplace } from '../runner/workplace.ts';
import { bucketText, latentOf, type Bucket } from './buckets.ts';

/** Steps that are timed, behind one that warms up. */
const TIMED = 2;

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const gigabytes = (bytes: number): string => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

/** A batch that takes as long as any other. */
const madeUp = (inputs: Readonly<Record<string, TensorSpec>>, rows: number): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => {
      const whole = [rows, ...shape.slice(1)];
      const data = dtype === 'int32' ? new Int32Array(sizeOf(whole)) : Float32Array.from({ length: sizeOf(whole) }, (_, i) => Math.sin(i));
      return [name, { data: name === 'timesteps' ? new Float32Array(rows).fill(500) : data, shape: whole }];
    }),
  );

/** Every size has a step of its own, and every step holds the frozen weights. */
const bucketRows = (buckets: readonly Bucket[], frozen: number): [string, string][] => [
  ['aspect buckets, most pictures first', buckets.map(bucketText).join(', ')],
  ['steps that are compiled, one a bucket', String(buckets.length)],
  [`memory of the other ${buckets.length - 1} steps, at least`, gigabytes((buckets.length - 1) * frozen)],
];

/** Hands a step its first state, which nothing else holds from then on: it may be gigabytes. @returns how many bytes it is */
function begin(step: Pick<CompiledFunction, 'state'>, state: Record<string, HostTensor>): number {
  step.state = state;
  return Object.values(state).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** What a training takes, as a table: a few steps of it are run, and nothing is written. */
export async function dryRun(
  {
    base,
    control,
    recipe,
    at,
    latent,
    buckets,
  }: { base: Base; control: Control; recipe: Recipe; at: Workplace; latent: LatentSize; buckets: readonly Bucket[] | null },
  { recompute, keptCheckpoints }: { recompute: boolean; keptCheckpoints: number },
): Promise<string> {
  const { model } = onBase(base, control);
  const { accumulation = 1 } = recipe;
  const definition = denoisingStep(model, recipe, { name: 'dry run', latent, recompute });
  const step = await compileTrainStep(definition, at.engine);
  const bytes = begin(step, initialTrainState(startOf(model, 1), { ema: recipe.ema !== null, accumulation }));
  const parameters = Object.values(definition.trainable).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const fed = madeUp(definition.inputs, recipe.batchSize * accumulation);
  let seconds = 0;
  try {
    for (let i = 0; i <= TIMED; i++) {
      const started = performance.now();
      await step.run({ ...fed, ...optimizerInputs(step.optimizer, constantRate({ peak: 1e-5 }), i, 1) });
      if (i > 0) seconds += (performance.now() - started) / 1000 / TIMED;
    }
  } finally {
    await step.release();
  }
  const latentBytes = (size: LatentSize): number => base.latentChannels * size.height * size.width * 4;
  const latents =
    buckets === null
      ? recipe.examples * latentBytes(latent)
      : buckets.reduce((sum, { size, indices }) => sum + indices.length * latentBytes(latentOf(base, size)), 0);
  const frozen = Object.values(definition.constants ?? {}).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const rows: [string, string][] = [
    ['trained parameters', parameters.toLocaleString('en-US')],
    ['memory, peak of this process', gigabytes(process.resourceUsage().maxRSS * 1024)],
    ...(buckets === null ? [] : bucketRows(buckets, frozen)),
    ['time per step', `${seconds.toPrecision(3)} s (${((recipe.batchSize * accumulation) / seconds).toPrecision(3)} samples/s)`],
    [`all ${recipe.steps} steps`, formatDuration(seconds * recipe.steps)],
    // One more is written before the oldest goes.
    [`disk, ${keptCheckpoints} checkpoints and one being written`, gigabytes((keptCheckpoints + 1) * bytes)],
    ['disk, weights', gigabytes(4 * parameters)],
    [`disk, latents of ${recipe.examples} pictures`, gigabytes(latents)],
  ];
  return textTable({
    kind: 'table',
    id: 'dry-run',
    caption: 'What this training takes, measured on a few steps of it',
    rowHeader: '',
    columns: [{ label: '' }],
    rows: rows.map(([label, value]) => ({ label, cells: [value] })),
  });
}
