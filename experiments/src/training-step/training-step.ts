import path from 'node:path';
import { machine, meanInterval, median, type Measurement, type Table } from '@controllab/report';
import { matmulCeiling } from '@controllab/tfjs-onnx';
import { METHODS } from '../full-size/methods.ts';
import { architectureOf, denoiserOf, settingOf, type Target } from '../full-size/target.ts';
import { weightPool } from '../full-size/weight-pool.ts';
import { runChild } from '../runner/child-job.ts';
import type { Job, JobContext } from '../runner/job.ts';
import { workspaceRoot } from '@controllab/command-line';
import { OPTIONS, WARM_UP, type TrainingStepOptions } from './options.ts';
import type { TrainingJob, TrainingTiming } from './train-method.ts';

/** Of the square matrix products that are the ceiling. */
const CEILING_SIZE = 2048;
/** A parameter, its gradient and AdamW's two moments in float32; frozen ones have the first alone. */
const TRAINED_BYTES = 16;
const FROZEN_BYTES = 4;

interface MethodTiming extends TrainingTiming {
  label: string;
}

const timed = ({ seconds }: TrainingTiming): number[] => seconds.slice(WARM_UP);
const measured = (samples: readonly number[]): Measurement => ({ ...meanInterval(samples), seeds: [1] });

/** The figures of every method. @returns the table that the report shows and the terminal prints */
export function trainingStepTable(
  methods: readonly MethodTiming[],
  { size, ceilingGflops, recompute }: { size: number; ceilingGflops: number | null; recompute: boolean },
): Table {
  return {
    kind: 'table',
    id: 'training-steps',
    caption: `Training steps on SD1.5 at batch 1, ${size} × ${size} pixels, in float32: forward pass, gradients and AdamW in one graph${recompute ? ', the insides of blocks computed again for their gradients' : ''}. States: what trains, its gradient and two moments, and the frozen weights.`,
    rowHeader: 'method',
    columns: [
      { label: 'trained', unit: 'M', group: 'parameters', decimals: 2 },
      { label: 'frozen', unit: 'M', group: 'parameters', decimals: 2 },
      { label: 'counted', unit: 'GMAC', group: 'a step', decimals: 0 },
      { label: 'measured', unit: 's', group: 'a step' },
      { label: 'of the matrix product', unit: '%', group: 'a step' },
      { label: 'states', unit: 'GB', group: 'memory', decimals: 2 },
      { label: 'peak', unit: 'GB', group: 'memory', decimals: 2 },
      { label: 'start-up', unit: 's', decimals: 1 },
      { label: 'loss, first and last step' },
    ],
    rows: methods.map((method) => ({
      label: method.label,
      cells: [
        method.trainable / 1e6,
        method.frozen / 1e6,
        method.macs / 1e9,
        measured(timed(method)),
        ceilingGflops === null ? null : measured(timed(method).map((seconds) => (200 * method.macs) / seconds / 1e9 / ceilingGflops)),
        (TRAINED_BYTES * method.trainable + FROZEN_BYTES * method.frozen) / 1e9,
        method.peakBytes === null ? null : method.peakBytes / 1e9,
        method.startSeconds,
        `${method.losses[0]!.toFixed(4)}, ${method.losses.at(-1)!.toFixed(4)}`,
      ],
    })),
  };
}

interface TrainingStepResult {
  options: TrainingStepOptions;
  methods: MethodTiming[];
  /** Of square matrix products on the CPU; null where the steps run on another provider. */
  ceilingGflops: number | null;
}

async function measure(at: JobContext<object>): Promise<TrainingStepResult> {
  const options = at.flags as unknown as TrainingStepOptions;
  const { size, methods, steps, recompute } = options;
  const { threads, provider } = at.numerics;
  const target: Target = { family: 'sd15', height: size, width: size };
  const { unet } = denoiserOf(target);
  const pool = await weightPool(path.join(workspaceRoot, '.cache', 'full-size'), [unet]);
  const ceilingGflops = provider === 'cpu' ? await at.stage('ceiling', () => matmulCeiling(CEILING_SIZE, { threads })) : null;
  const results: MethodTiming[] = [];
  for (const id of methods) {
    const { label } = METHODS[id];
    const timing = await at.stage(id, () => {
      at.say(`${label} on ${architectureOf(target).label}, ${settingOf(target)}: ${steps} training steps`);
      const job: TrainingJob = { target, method: id, pool, steps, engine: at.engine, recompute };
      return runChild<TrainingTiming>(
        new URL('timed-process.ts', import.meta.url),
        job,
        `Training ${id} on ${target.family} at ${size} pixels`,
      );
    });
    results.push({ ...timing, label });
    at.say(`  ${median(timed(timing)).toFixed(2)} s a step, loss ${timing.losses.map((loss) => loss.toFixed(4)).join(', ')}`);
  }
  return { options, methods: results, ceilingGflops };
}

const tableOf = ({ options, methods, ceilingGflops }: TrainingStepResult): Table =>
  trainingStepTable(methods, { ...options, ceilingGflops });

/** A few real training steps at full size: every method in a process of its own. */
const trainingStep: Job<object, TrainingStepResult> = {
  id: 'training-step',
  description:
    'Trains ControlNet and ControlNeXt on Stable Diffusion 1.5 for a few steps at batch 1, from random weights: time, memory, loss',
  profiles: { sd15: {} },
  options: OPTIONS,
  seeded: false,
  engines: 'onnx',
  anew: true,
  identity: () => ({ machine: machine() }),
  run: measure,
  tables: (result) => [tableOf(result)],
  report: (result) => {
    const of = result.methods.map(
      (method) =>
        `${method.label}: ${(method.trainable / 1e6).toFixed(0)}M parameters trained, ${median(timed(method)).toFixed(1)} s a step${method.peakBytes === null ? '' : `, ${(method.peakBytes / 1e9).toFixed(1)} GB at most`}`,
    );
    return {
      title: 'A training step of ControlNet and ControlNeXt on Stable Diffusion 1.5',
      takeaway: `${of.join('. ')}.`,
      summary: 'Weights and the batch are random; networks, gradients and optimizer are those of real training.',
      claims: [],
      sections: [
        {
          id: 'steps',
          title: 'Training steps',
          blocks: [
            tableOf(result),
            {
              kind: 'note',
              text: `${result.options.steps} steps on one batch; the first ${WARM_UP} fetch memory and are not timed, the interval is over the others.${result.ceilingGflops === null ? '' : ` The machine's own matrix product in ONNX Runtime reaches ${result.ceilingGflops.toFixed(0)} GFLOPS in this run.`} Peak memory is the process's high-water mark, Node.js included: the state before and after the update exist at the same time.`,
            },
          ],
        },
      ],
      attribution: [],
    };
  },
  sources: () => ({ weightsHash: 'random weights', datasetHash: 'none' }),
};

export default trainingStep;
