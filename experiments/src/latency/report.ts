import { literal, median, type BarFigure, type Claim, type PaperValue, type Report, type Table } from '@controllab/report';
import { baseOf, exact, methodOf, NOT_IN_PAPER, paperName, rowsOf, signed } from '../full-size/report-cells.ts';
import type { Target } from '../full-size/target.ts';
import { PAPER_SECONDS, paperIncrease } from '../paper-values.ts';
import { PEER_STEPS, type Profile, type TimedId } from './design.ts';
import type { PeerTiming } from './peer.ts';
import { overRounds } from './statistics.ts';
import type { Timing } from './time-method.ts';

export interface MethodResult {
  id: TimedId;
  label: string;
  /** Multiply-accumulates of one step. */
  macs: number;
  /** Of the U-Net and what controls it. */
  parameters: number;
  rounds: readonly Timing[];
}

export interface TargetResult {
  family: Target['family'];
  label: string;
  setting: string;
  /** The base model first. */
  methods: readonly MethodResult[];
  /** The base model's forward pass in other libraries, round by round. */
  peers: readonly { id: string; label: string; rounds: readonly PeerTiming[] }[];
  /** Not random ones. */
  ownWeights: boolean;
}

export interface LatencyResult {
  profile: Profile;
  threads: number;
  targets: readonly TargetResult[];
  /** Of the machine's own matrix product in ONNX Runtime; null: not measured. */
  ceilingGflops: number | null;
  /** Libraries that are not there, and why. */
  notMeasured: readonly { label: string; reason: string }[];
  /** Model whose U-Net was timed with its own weights. */
  ownModel: string | null;
}

const BYTES = 4;

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A step's seconds, one number a round. */
const secondsOf = ({ rounds }: { rounds: readonly { seconds: readonly number[] }[] }): number[] =>
  rounds.map(({ seconds }) => median(seconds));

/** Percent that a method's step takes longer than the base model's of the same round. */
const addedOf = (target: TargetResult, id: TimedId): number[] => {
  const base = secondsOf(baseOf(target));
  return secondsOf(methodOf(target, id)).map((seconds, i) => 100 * (seconds / base[i]! - 1));
};

/** What multiply-accumulates alone would make it. */
const predictedOf = (target: TargetResult, id: TimedId): number => 100 * (methodOf(target, id).macs / baseOf(target).macs - 1);

const paper = (text: string, value?: number): PaperValue => ({
  text,
  source: PAPER_SECONDS.source,
  ...(value === undefined ? {} : { value }),
});

function timesTable({ targets, profile }: LatencyResult): Table {
  return {
    kind: 'table',
    id: 'times',
    caption: `Seconds of one denoising step at batch 1: the median of ${profile.steps} steps, averaged over ${profile.rounds} rounds, and what a method adds to the base model's step of the same round. The paper's times are those of its own machine.`,
    rowHeader: 'model: method',
    columns: [
      { label: 'measured', unit: 's', group: 'a step' },
      { label: 'paper', unit: 's', group: 'a step' },
      { label: 'measured', unit: '%', group: 'added to the base model' },
      { label: 'by multiply-accumulates', unit: '%', group: 'added to the base model', decimals: 1 },
      { label: 'paper', group: 'added to the base model' },
    ],
    rows: rowsOf(targets, (target, method) => {
      const name = paperName(method.id);
      const times = [overRounds(secondsOf(method)), paper(PAPER_SECONDS.seconds[target.family][name].toFixed(2))];
      if (name === 'base') return [...times, NOT_IN_PAPER, NOT_IN_PAPER, NOT_IN_PAPER];
      return [
        ...times,
        overRounds(addedOf(target, method.id)),
        predictedOf(target, method.id),
        paper(signed(100 * paperIncrease(target.family, name).value)),
      ];
    }),
  };
}

function engineTable({ targets, ceilingGflops }: LatencyResult): Table {
  return {
    kind: 'table',
    id: 'engine',
    caption: `What a step takes of the machine.${ceilingGflops === null ? '' : ` Its own matrix product in ONNX Runtime reaches ${ceilingGflops.toFixed(0)} GFLOPS in this run.`}`,
    rowHeader: 'model: method',
    columns: [
      { label: 'start-up', unit: 's' },
      { label: 'weights', unit: 'GB', group: 'memory', decimals: 2 },
      { label: 'peak', unit: 'GB', group: 'memory', decimals: 2 },
      { label: 'peak over weights', group: 'memory', decimals: 2 },
      { label: 'counted', unit: 'GMAC', group: 'compute', decimals: 1 },
      { label: 'speed', unit: 'GFLOPS', group: 'compute' },
      { label: 'of the matrix product', unit: '%', group: 'compute' },
    ],
    rows: rowsOf(targets, (_, method) => {
      const weights = BYTES * method.parameters;
      const peaks = method.rounds.map(({ peakBytes }) => peakBytes).filter((bytes) => bytes !== null);
      const peak = peaks.length === 0 ? null : Math.max(...peaks);
      const speeds = secondsOf(method).map((seconds) => (2 * method.macs) / seconds / 1e9);
      return [
        overRounds(method.rounds.map(({ startSeconds }) => startSeconds)),
        weights / 1e9,
        peak === null ? null : peak / 1e9,
        peak === null ? null : peak / weights,
        method.macs / 1e9,
        overRounds(speeds),
        ceilingGflops === null ? null : overRounds(speeds.map((speed) => (100 * speed) / ceilingGflops)),
      ];
    }),
  };
}

function peerTable(result: LatencyResult): Table {
  return {
    kind: 'table',
    id: 'peers',
    caption:
      'The base model’s step here and in other libraries, from the same weights and inputs on the same cores, one after the other in every round.',
    rowHeader: 'model and library',
    columns: [
      { label: 'here', unit: 's', group: 'a step' },
      { label: 'there', unit: 's', group: 'a step' },
      { label: 'here over there', group: 'a step' },
      { label: 'peak memory there', unit: 'GB', decimals: 2 },
      { label: 'difference of the predictions’ mean squares' },
      { label: 'versions' },
    ],
    rows: result.targets.flatMap((target) =>
      target.peers.map(({ label, rounds }) => {
        const [ours, theirs] = [secondsOf(baseOf(target)), rounds.map(({ seconds }) => median(seconds))];
        const [here, there] = [baseOf(target).rounds[0]!.meanSquare, rounds[0]!.meanSquare];
        const peaks = rounds.flatMap(({ peakBytes }) => peakBytes ?? []);
        return {
          label: `${target.label}, ${target.setting}: ${label}`,
          cells: [
            overRounds(ours),
            overRounds(theirs),
            overRounds(ours.map((x, i) => x / theirs[i]!)),
            peaks.length === 0 ? null : Math.max(...peaks) / 1e9,
            target.ownWeights ? 'other weights' : Math.abs(here / there - 1).toExponential(0),
            literal(rounds[0]!.library),
          ],
        };
      }),
    ),
  };
}

function addedFigure({ targets }: LatencyResult): BarFigure {
  const bars = targets.flatMap((target) =>
    target.methods.filter(({ id }) => id !== 'base').map(({ id, label }) => ({ target, id, label })),
  );
  return {
    kind: 'bar',
    id: 'added-time',
    caption:
      'Percent that a method adds to a denoising step of its base model: measured, predicted by multiply-accumulates, and by the paper’s times.',
    categories: bars.map(({ target, label }) => `${target.label}: ${label}`),
    y: { label: 'added time, %' },
    series: [
      { label: 'measured', values: bars.map(({ target, id }) => overRounds(addedOf(target, id))) },
      { label: 'by multiply-accumulates', values: bars.map(({ target, id }) => exact(predictedOf(target, id), 1, 'counted')) },
      {
        label: 'paper',
        values: bars.map(({ target, id }) =>
          exact(100 * paperIncrease(target.family, paperName(id) as 'controlnet' | 'controlnext').value, 1, 'from the printed times'),
        ),
      },
    ],
  };
}

/** Round by round, averaged over the base models. */
const meanAdded = ({ targets, profile }: LatencyResult, id: TimedId): number[] =>
  Array.from({ length: profile.rounds }, (_, round) => mean(targets.map((target) => addedOf(target, id)[round]!)));

function claimsOf(result: LatencyResult): Claim[] {
  const controlNet = meanAdded(result, 'controlnet');
  const claim = (id: string, method: TimedId, module: string): Claim => ({
    id,
    // No least saving was written down before the runs: any counts, and the claim says no more.
    claim: `ControlNeXt adds less time to a step than ControlNet (${module})`,
    source: PAPER_SECONDS.overhead.source,
    test: `What ControlNet adds to a step minus what ControlNeXt adds, in percent of the base model's step of the same round, averaged over ${result.targets.map(({ label, setting }) => `${label} (${setting})`).join(', ')}. Any saving above zero counts; the paper's two means are 31.5 points apart.`,
    quantity: `percentage points that ControlNeXt saves, ${module}`,
    rule: { kind: 'above', bound: 0 },
    basis: 'rounds',
    primary: true,
    shownIn: 'added-time',
    results: [
      {
        label: null,
        measured: overRounds(meanAdded(result, method).map((added, round) => controlNet[round]! - added)),
        paper: { text: PAPER_SECONDS.overhead.text, source: PAPER_SECONDS.overhead.source },
      },
    ],
  });
  return [claim('faster', 'controlnext', 'current module'), claim('faster-legacy', 'controlnext-legacy', 'legacy modules')];
}

/** The tables, in the order of the report. */
export const latencyTables = (result: LatencyResult): Table[] => [
  timesTable(result),
  engineTable(result),
  ...(result.targets.some(({ peers }) => peers.length > 0) ? [peerTable(result)] : []),
];

export function latencyReport(result: LatencyResult): Omit<Report, 'id' | 'provenance'> {
  const { targets, profile, threads } = result;
  const [times, engine, ...peer] = latencyTables(result) as [Table, Table, ...Table[]];
  const each = (target: TargetResult): string =>
    `${target.label} at ${target.setting}: ControlNet ${signed(mean(addedOf(target, 'controlnet')))}, ControlNeXt ${signed(mean(addedOf(target, 'controlnext')))} with the current module and ${signed(mean(addedOf(target, 'controlnext-legacy')))} with the legacy one`;
  return {
    title: 'Time of a denoising step: base model, ControlNet, ControlNeXt',
    takeaway: `A denoising step takes longer by: ${targets.map(each).join('. ')}.`,
    summary: `Each method is one graph with its weights as constants, timed in a process of its own; methods take turns in every round. The paper prints +41.9% for ControlNet and +10.4% for ControlNeXt, means over its three base models.`,
    claims: claimsOf(result),
    sections: [
      { id: 'steps', title: 'Time of a step', blocks: [addedFigure(result), times, { kind: 'prose', text: modulesText }] },
      {
        id: 'machine',
        title: 'Memory, start-up, speed',
        blocks: [
          engine,
          {
            kind: 'note',
            text: `Weights are in float32. Start-up is from the function to a session that is ready: tracing, lowering, and ONNX Runtime's loading and packing of the weights. Peak memory is the process's high-water mark, Node.js and ONNX Runtime included; on a GPU it says nothing of the GPU's memory. ${threads} threads.`,
          },
          ...peer,
          ...result.notMeasured.map(({ label, reason }) => ({
            kind: 'prose' as const,
            text: `${label}: not measured, ${literal(reason)}.`,
          })),
        ],
      },
      {
        id: 'method',
        title: 'How it was measured',
        blocks: [
          {
            kind: 'prose',
            text: `${profile.rounds} rounds; in each every method runs once, beginning with another one each time. A process compiles its method, runs ${profile.warmUp} steps to fetch memory, then times ${profile.steps}; the median counts${targets.some(({ peers }) => peers.length > 0) ? `. Other libraries run ${PEER_STEPS.warmUp} and time ${PEER_STEPS.steps}` : ''}. Intervals are over rounds. Batch 1: classifier-free guidance doubles it. ${targets.some(({ ownWeights }) => ownWeights) ? 'The U-Net has the weights of the given model; all others are random.' : 'Weights and inputs are random: the time does not depend on them.'}`,
          },
        ],
      },
    ],
    attribution: [],
  };
}

const modulesText =
  'ControlNeXt has two rows because its control module was changed after the paper. The legacy modules are those whose parameters the paper counts; on SD1.5 and SDXL they have no convolution that shrinks the picture first, so their residual blocks work on all of its pixels. Which of them the paper timed is not known: by multiply-accumulates, its SD1.5 row is near the current module’s and its SDXL row near the legacy one’s.';
