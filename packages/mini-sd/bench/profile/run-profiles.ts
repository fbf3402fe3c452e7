import os from 'node:os';
import { benchMachine, userPath } from '@controllab/command-line';
import { checkOutput, writeAtomic } from '@controllab/data';
import { textTable, type Table } from '@controllab/report';
import {
  PROFILE_PARTS,
  profileRuns,
  scalar,
  timeByPart,
  timeBySize,
  type CompiledFunction,
  type ProfilePart,
  type Signature,
  type SizeTime,
  type Traceable,
} from '@controllab/tfjs-onnx';
import * as bench from '@controllab/tfjs-onnx/bench/unet';
import { constantRate, optimizerInputs, trainStepFunction } from '@controllab/training';
import { controlStep } from '../control-step.ts';
import type { ProfileBenchOptions } from './command.ts';

/** The ablation's batch. */
const CONTROL_BATCH = 8;
const LEARNING_RATE = 1e-5;
/** Rows of the table by size; the JSON has them all. */
const SIZES_SHOWN = 24;

interface Subject {
  name: string;
  what: string;
  fn: Traceable;
  signature: Signature;
  call(compiled: CompiledFunction, run: number): Promise<unknown>;
}

function benchSubject(network: bench.Network): Subject {
  const inputs = bench.exampleInputs(network);
  return {
    name: network.name,
    what: `training step of ${network.name} at batch ${network.batch}`,
    fn: bench.trainingStep(network),
    signature: bench.stepSignature(network),
    call: (compiled, run) => {
      if (run === 0) compiled.state = bench.initialState(bench.initialParameters(network));
      const corrections = { biasCorrection1: scalar(1 / (1 - 0.9 ** (run + 1))), biasCorrection2: scalar(1 / (1 - 0.999 ** (run + 1))) };
      return compiled.run({ ...inputs, learningRate: scalar(LEARNING_RATE), ...corrections });
    },
  };
}

function controlSubject(batch: number): Subject {
  const { definition, initialState, inputs } = controlStep(batch);
  return {
    name: 'controlnet',
    what: `training step of ControlNet on the embedded default at batch ${batch}`,
    ...trainStepFunction(definition),
    call: (compiled, run) => {
      if (run === 0) compiled.state = initialState;
      const schedule = optimizerInputs({ beta1: 0.9, beta2: 0.999, emaDecay: undefined }, constantRate({ peak: LEARNING_RATE }), run, 1);
      return compiled.run({ ...inputs, ...schedule });
    },
  };
}

function subjects({ only, quick }: Pick<ProfileBenchOptions, 'only' | 'quick'>): (() => Subject)[] {
  const networks = quick ? bench.QUICK_NETWORKS : bench.NETWORKS.filter(({ name }) => only === undefined || name === only);
  const control = only === undefined || only === 'controlnet';
  return [
    ...(only === 'controlnet' ? [] : networks.map((network) => () => benchSubject(network))),
    ...(control ? [() => controlSubject(quick ? 2 : CONTROL_BATCH)] : []),
  ];
}

interface ProfiledCase {
  id: string;
  what: string;
  /** Of a step: mean over the rounds. */
  ms: number;
  parts: Record<ProfilePart, number>;
  bySize: SizeTime[];
}

const gflops = ({ macs, ms }: SizeTime): number | null => (macs === 0 ? null : (2 * macs) / ms / 1e6);

/** Milliseconds and shares of every part, case by case. */
function partsTable(cases: readonly ProfiledCase[]): Table {
  return {
    kind: 'table',
    id: 'parts',
    caption: 'Where the time of a training step goes',
    rowHeader: 'part',
    columns: cases.flatMap(({ id }) => [
      { label: 'ms', group: id, decimals: 2 },
      { label: '%', group: id, decimals: 1 },
    ]),
    rows: PROFILE_PARTS.map((part) => ({ label: part, cells: cases.flatMap(({ parts, ms }) => [parts[part], (100 * parts[part]) / ms]) })),
  };
}

function sizesTable({ id, what, ms, bySize }: ProfiledCase): Table {
  return {
    kind: 'table',
    id: `sizes-${id}`,
    caption: `${what}: convolutions and matrix products by size${bySize.length > SIZES_SHOWN ? `, the ${SIZES_SHOWN} that take longest` : ''}`,
    rowHeader: 'op and size',
    columns: [{ label: 'nodes' }, { label: 'ms', decimals: 2 }, { label: '%', decimals: 1 }, { label: 'GFLOPS', decimals: 0 }],
    rows: bySize.slice(0, SIZES_SHOWN).map((one) => ({
      label: `${one.op} ${one.size}`,
      cells: [one.count, one.ms, (100 * one.ms) / ms, gflops(one)],
    })),
  };
}

/** Profiles every case and prints the tables. */
export async function runProfiles({ only, rounds, quick, json }: ProfileBenchOptions, command: string): Promise<void> {
  const file = json === undefined ? null : userPath(json);
  if (file !== null) await checkOutput(file, 'file');
  const threads = os.availableParallelism();
  const loadBefore = os.loadavg()[0]!;
  const cases: ProfiledCase[] = [];
  for (const make of subjects({ only, quick })) {
    const { name, what, fn, signature, call } = make();
    process.stderr.write(`${what}\n`);
    const profile = await profileRuns(fn, signature, call, { runs: rounds, threads, name: what });
    const ms = profile.calls.reduce((a, b) => a + b, 0) / profile.calls.length;
    cases.push({ id: name, what, ms, parts: timeByPart(profile), bySize: timeBySize(profile) });
  }
  process.stdout.write(`${[partsTable(cases), ...cases.map(sizesTable)].map(textTable).join('\n\n')}\n`);
  if (file !== null)
    await writeAtomic(file, `${JSON.stringify({ command, machine: benchMachine(threads, loadBefore), rounds, cases }, null, 2)}\n`);
}
