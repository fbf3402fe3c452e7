import path from 'node:path';
import { Option } from 'commander';
import { externalStateDict, openWeights } from '@controllab/core-blocks';
import { machine, median } from '@controllab/report';
import { matmulCeiling } from '@controllab/tfjs-onnx';
import { labelOf, METHODS, methodsFor } from '../full-size/methods.ts';
import { architectureOf, denoiserOf, PAPER_FAMILIES, settingOf, type PaperFamily, type Target } from '../full-size/target.ts';
import { weightPool, type WeightPool } from '../full-size/weight-pool.ts';
import { runChild } from '../runner/child-job.ts';
import { ExperimentError } from '../runner/errors.ts';
import type { Job, JobContext } from '../runner/job.ts';
import { names, userPath, workspaceRoot } from '@controllab/command-line';
import { PEER_STEPS, profiles, TIMED, type Profile, type TimedId } from './design.ts';
import { findPeers, PEER_IDS, PEERS, peersOf, runPeer, type FoundPeers, type PeerId, type PeerTiming } from './peer.ts';
import { latencyReport, latencyTables, type LatencyResult, type TargetResult } from './report.ts';
import { stepCounts } from './step.ts';
import type { StepTiming, Timing } from './time-method.ts';

/** Of the square matrix products that are the ceiling. */
const CEILING_SIZE = 2048;

type Round = Record<TimedId, Timing> & { peers: Partial<Record<PeerId, PeerTiming>> };

/** The same list, beginning one place further in every round: no method is always the first to run. */
const rotated = <T>(list: readonly T[], by: number): T[] => list.map((_, i) => list[(i + by) % list.length]!);

/** The job's own options. */
interface Flags {
  models?: readonly PaperFamily[];
  model?: string;
}

interface Setting {
  at: JobContext<Profile>;
  profile: Profile;
  pool: WeightPool;
  pythons: FoundPeers['pythons'];
}

/** Times every method of a target once, and the base model in every peer that knows it. */
async function timeRound(target: Target, round: number, unet: string | null, { at, profile, pool, pythons }: Setting): Promise<Round> {
  const { warmUp, steps } = profile;
  const timings: Partial<Round> = {};
  const peers: Round['peers'] = {};
  const said = (label: string, seconds: readonly number[]): void =>
    at.say(`${architectureOf(target).label}, round ${round + 1} of ${profile.rounds}: ${label} ${median(seconds).toFixed(3)} s a step`);
  const timeMethodOf = async (method: TimedId): Promise<void> => {
    const job: StepTiming = { target, pool, warmUp, steps, method, unet, options: at.engine };
    const timing = await runChild<Timing>(new URL('timed-process.ts', import.meta.url), job, `Timing ${method} on ${target.family}`);
    timings[method] = timing;
    said(labelOf(method), timing.seconds);
  };
  const timePeer = async (id: PeerId): Promise<void> => {
    try {
      const timing = await runPeer(id, pythons[id]!, { target, pool, threads: at.numerics.threads, ...PEER_STEPS });
      peers[id] = timing;
      said(`${PEERS[id].label}, base model`, timing.seconds);
    } catch (error) {
      // Hours of the other measurements do not depend on it: memory may not suffice for a library that keeps copies.
      at.say(`${(error as Error).message}; not measured`);
    }
  };
  const all = [
    ...TIMED.map((method) => () => timeMethodOf(method)),
    ...peersOf(target).flatMap((id) => (pythons[id] === undefined ? [] : [() => timePeer(id)])),
  ];
  for (const time of rotated(all, round)) await time();
  return { ...timings, peers } as Round;
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

/** The profile with the base models that were asked for. @throws ExperimentError invalid-option naming those that there are */
export function chosenProfile(profile: Profile, profileName: string, { models }: Flags): Profile {
  if (models === undefined) return profile;
  const all = profile.targets.map(({ family }) => family);
  const missing = models.find((model) => !all.includes(model));
  if (missing !== undefined)
    throw new ExperimentError(
      'invalid-option',
      `latency: the profile ${profileName} has no base model '${missing}'. Its models: ${all.join(', ')}.`,
      { models },
    );
  return { ...profile, targets: profile.targets.filter(({ family }) => models.includes(family)) };
}

async function measure(at: JobContext<Profile>): Promise<LatencyResult> {
  const profile = chosenProfile(at.profile, at.profileName, at.flags);
  const { model } = at.flags as Flags;
  const own = model === undefined ? null : { model: userPath(model), target: targetOf(userPath(model), profile.targets) };
  const found = peerOf(at);
  const modules = profile.targets.flatMap((target) => {
    const { unet, target: controlled } = denoiserOf(target);
    return [unet, ...methodsFor(architectureOf(target)).map((id) => METHODS[id].create(controlled).module)];
  });
  const pool = await weightPool(path.join(workspaceRoot, '.cache', 'full-size'), modules);
  const setting: Setting = { at, profile, pool, pythons: found.pythons };
  const ceiling = () => (at.engine.provider === 'cpu' ? matmulCeiling(CEILING_SIZE, { threads: at.numerics.threads }) : Promise.resolve(0));
  const ceilings = [await at.stage('ceiling-before', ceiling)];
  const targets: TargetResult[] = [];
  for (const target of profile.targets) {
    const rounds: Round[] = [];
    const unet = own?.target === target ? path.join(own.model, 'unet') : null;
    for (let i = 0; i < profile.rounds; i++)
      rounds.push(await at.stage(`${target.family}-${i}`, () => timeRound(target, i, unet, setting)));
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
      peers: PEER_IDS.flatMap((id) =>
        rounds.every(({ peers }) => peers[id]) ? [{ id, label: PEERS[id].label, rounds: rounds.map(({ peers }) => peers[id]!) }] : [],
      ),
      ownWeights: unet !== null,
    });
  }
  // The machine may have been busy the first time: what counts is the best it showed in this run.
  ceilings.push(await at.stage('ceiling-after', ceiling));
  return {
    profile,
    threads: at.numerics.threads,
    targets,
    ceilingGflops: Math.max(...ceilings) || null,
    notMeasured: found.notMeasured,
    ownModel: own?.model ?? null,
  };
}

const peerOf = ({ engine }: JobContext<Profile>): FoundPeers =>
  engine.provider === 'cpu' ? findPeers() : { pythons: {}, notMeasured: [{ label: 'PyTorch', reason: 'compared on the CPU alone' }] };

/** ControlNeXt's table 6: every method is timed in a process of its own, in turn. A finished run is measured anew by the next. */
const latency: Job<Profile, LatencyResult> = {
  id: 'latency',
  description: 'Seconds per denoising step of base models, ControlNet and ControlNeXt, beside the paper’s (ControlNeXt, table 6)',
  profiles,
  options: [
    new Option(
      '--models <names>',
      `which of the profile’s base models, separated by commas: ${PAPER_FAMILIES.join(', ')} (default: all)`,
    ).argParser(names(PAPER_FAMILIES)),
    new Option('--model <directory>', 'diffusers model; its U-Net replaces the random weights of the base model it is'),
  ],
  seeded: false,
  engines: 'onnx',
  anew: true,
  check: ({ profile, profileName, flags }) => void chosenProfile(profile, profileName, flags),
  identity: (at) => ({ machine: machine(), peers: { ...peerOf(at).pythons } }),
  run: measure,
  tables: latencyTables,
  report: latencyReport,
  sources: ({ ownModel }) => ({
    weightsHash: ownModel === null ? 'random weights' : `U-Net of ${ownModel}, others random`,
    datasetHash: 'none',
  }),
};

export default latency;
