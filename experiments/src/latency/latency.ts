import { rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Json } from '@controllab/data';
import { externalStateDict, openWeights } from '@controllab/core-blocks';
import { findPython } from '@controllab/python-peer';
import { currentCommit, machine, median, writeReport } from '@controllab/report';
import { matmulCeiling } from '@controllab/tfjs-onnx';

import { labelOf, METHODS, methodsFor } from '../full-size/methods.ts';
import { architectureOf, denoiserOf, settingOf, type Target } from '../full-size/target.ts';
import { weightPool, type WeightPool } from '../full-size/weight-pool.ts';
import { runChild } from '../runner/child-job.ts';
import { ExperimentError } from '../runner/errors.ts';
import { RunDirectory } from '../runner/run-directory.ts';
import { textTable } from '../runner/text-table.ts';
import { PEER_STEPS, profiles, TIMED, type Profile, type TimedId } from './design.ts';
import type { LatencyOptions } from './options.ts';
import { hasPeer, runPeer, type PeerTiming } from './peer.ts';
import { latencyReport, latencyTables, type LatencyResult, type TargetResult } from './report.ts';
import { stepCounts } from './step.ts';
import type { Job, Timing } from './time-method.ts';

/** Of the square matrix products that are the ceiling. */
const CEILING_SIZE = 2048;

type Round = Record<TimedId, Timing> & { torch?: PeerTiming };

/** The same list, beginning one place further in every round: no method is always the first to run. */
const rotated = <T>(list: readonly T[], by: number): T[] => list.map((_, i) => list[(i + by) % list.length]!);

interface Setting {
  options: LatencyOptions;
  profile: Profile;
  threads: number;
  pool: WeightPool;
  python: string | null;
  say: (message: string) => void;
}

/** Times every method of a target once, and PyTorch's forward pass where there is one. */
async function timeRound(
  target: Target,
  round: number,
  unet: string | null,
  { options, profile, threads, pool, python, say }: Setting,
): Promise<Round> {
  const { warmUp, steps } = profile;
  const all = [...TIMED, ...(python !== null && hasPeer(target) ? (['torch'] as const) : [])];
  const timings: Partial<Round> = {};
  for (const method of rotated(all, round)) {
    if (method === 'torch') timings.torch = await runPeer(python!, { target, pool, threads, ...PEER_STEPS });
    else {
      const job: Job = { target, pool, warmUp, steps, method, unet, options: { provider: options.provider, threads } };
      timings[method] = await runChild<Timing>(new URL('timed-process.ts', import.meta.url), job, `Timing ${method} on ${target.family}`);
    }
    const label = method === 'torch' ? 'PyTorch, base model' : labelOf(method);
    say(
      `${architectureOf(target).label}, round ${round + 1} of ${profile.rounds}: ${label} ${median(timings[method]!.seconds).toFixed(3)} s a step`,
    );
  }
  return timings as Round;
}

/**
 * The target whose U-Net a diffusers model holds.
 * @throws ExperimentError invalid-model when it fits none of them
 */
function targetOf(model: string, targets: readonly Target[]): Target {
  const weights = openWeights(path.join(model, 'unet'));
  const problems: string[] = [];
  for (const target of targets) {
    try {
      externalStateDict(denoiserOf(target).unet, weights);
      return target;
    } catch (error) {
      problems.push(`${architectureOf(target).label}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')} ...`);
    }
  }
  throw new ExperimentError('invalid-model', `The U-Net of ${model} is none of this profile's base models.\n${problems.join('\n')}`, {
    model,
  });
}

/**
 * Times the methods of a profile, prints the tables, writes the report. Every round is stored as soon as it is done, so a killed run
 * continues; a finished one leaves only its report, and the next measures anew.
 * @returns the report's folder
 */
export async function runLatency(options: LatencyOptions, say: (message: string) => void): Promise<string> {
  const started = performance.now();
  const { targets: all, ...rest }: Profile = profiles[options.profile];
  const profile: Profile = { ...rest, targets: all.filter(({ family }) => options.models.includes(family)) };
  const threads = os.cpus().length;
  const own = options.model === null ? null : { model: options.model, target: targetOf(options.model, profile.targets) };
  const found = options.provider === 'cpu' ? findPython(['torch', 'numpy']) : { python: null, reason: 'PyTorch is compared on the CPU' };
  const config: Json = {
    experiment: 'latency',
    profile: options.profile,
    settings: JSON.parse(JSON.stringify(profile)) as Json,
    provider: options.provider,
    threads,
    model: options.model,
    machine: machine(),
    torch: found.python,
  };
  const run = await RunDirectory.open({ root: path.join('runs', 'latency'), name: options.profile, config, fresh: options.fresh, say });
  try {
    const modules = profile.targets.flatMap((target) => {
      const { unet, target: controlled } = denoiserOf(target);
      return [unet, ...methodsFor(architectureOf(target)).map((id) => METHODS[id].create(controlled).module)];
    });
    const setting: Setting = {
      options,
      profile,
      threads,
      python: found.python,
      say,
      pool: await weightPool(path.join('.cache', 'full-size'), modules),
    };
    const ceiling = () => (options.provider === 'cpu' ? matmulCeiling(CEILING_SIZE, { threads }) : Promise.resolve(0));
    const ceilings = [await run.stage('ceiling-before', ceiling)];
    const targets: TargetResult[] = [];
    for (const target of profile.targets) {
      const rounds: Round[] = [];
      for (let i = 0; i < profile.rounds; i++)
        rounds.push(
          await run.stage(`${target.family}-${i}`, () =>
            timeRound(target, i, own?.target === target ? path.join(own.model, 'unet') : null, setting),
          ),
        );
      targets.push({
        family: target.family,
        label: architectureOf(target).label,
        setting: settingOf(target),
        methods: TIMED.map((id) => ({
          id,
          label: labelOf(id),
          ...stepCounts(target, id),
          rounds: rounds.map((round) => round[id]),
        })),
        peer: rounds.every(({ torch }) => torch) ? rounds.map(({ torch }) => torch!) : null,
        ownWeights: own?.target === target,
      });
    }
    // The machine may have been busy the first time: what counts is the best it showed in this run.
    ceilings.push(await run.stage('ceiling-after', ceiling));
    const result: LatencyResult = {
      profile,
      threads,
      targets,
      ceilingGflops: Math.max(...ceilings) || null,
      peerReason: 'reason' in found ? found.reason : null,
    };
    for (const table of latencyTables(result)) say(`\n${textTable(table)}`);
    const directory = path.join('reports', 'latency', options.profile);
    await writeReport(
      directory,
      latencyReport(result, {
        commit: currentCommit(),
        profile: options.profile,
        configHash: run.hash.slice(0, 16),
        weightsHash: own === null ? 'random weights' : `U-Net of ${own.model}, others random`,
        datasetHash: 'none',
        engine: `onnx ${options.provider}, ${threads} threads`,
        machine: machine(),
        wallSeconds: run.resumed ? null : Math.round((performance.now() - started) / 1000),
        finishedAt: new Date().toISOString(),
        command: `npx nx run experiments:latency --profile=${options.profile}${profile.targets.length < all.length ? ` --models=${options.models.join(',')}` : ''}${options.provider === 'cpu' ? '' : ` --provider=${options.provider}`}`,
      }),
    );
    rmSync(run.path, { recursive: true });
    return directory;
  } finally {
    run.close();
  }
}
