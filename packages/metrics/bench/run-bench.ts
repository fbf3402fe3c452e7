import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { benchMachine, printBench } from '@controllab/command-line';
import { normal } from '@controllab/data';
import {
  frechetDistance,
  gatherStatistics,
  kernelInceptionDistance,
  precisionRecall,
  type Features,
  type FeatureStatistics,
} from '@controllab/metrics';
import { findPython } from '@controllab/python-peer';
import { median } from '@controllab/report';
import type { BenchOptions } from './command.ts';
import { NumpyPeer, type PeerTask } from './numpy-peer.ts';

const provenance = { network: 'made up', weightsHash: '', preset: 'none', dtype: 'float32' };

interface Sizes {
  dimension: number;
  /** Images of the large sets, and of the small ones. */
  many: number;
  few: number;
}

/** Features like Inception's: they are not negative, and their spread falls off over four orders of magnitude. */
function madeUp(set: number, { many, dimension }: Sizes): Features & { data: Float32Array } {
  const data = new Float32Array(many * dimension);
  for (let i = 0; i < many; i++) {
    const z = normal(0, `features ${set}`, i, dimension);
    for (let j = 0; j < dimension; j++)
      data[i * dimension + j] = Math.max(0, (z[j]! + 0.5 * z[(j + 1) % dimension]! + 0.3 + 0.05 * set) * 10 ** ((-4 * j) / dimension));
  }
  return { data, shape: [many, dimension] };
}

const first = ({ data, shape }: Features, n: number): Features => ({ data: data.subarray(0, n * shape[1]!), shape: [n, shape[1]!] });

/** A thing to time: what is inside, our way, and the peers' by name. */
interface Case {
  name: string;
  timed: string;
  n: number;
  run: () => Promise<number>;
  peers: Readonly<Partial<Record<PeerTask, string>>>;
}

function benchCases(
  [a, b]: readonly [Features, Features],
  statistics: readonly [FeatureStatistics, FeatureStatistics],
  { many, few, dimension }: Sizes,
): Case[] {
  return [
    {
      name: 'Frechet distance, full rank',
      timed: 'from the means and covariances of both sets to the distance',
      n: many,
      run: async () => (await frechetDistance(...statistics)).value,
      peers: {
        sqrtm: 'scipy.linalg.sqrtm, as pytorch-fid and clean-fid',
        eigvals: 'numpy.linalg.eigvals, as torch-fidelity and torchmetrics',
        cholesky: 'numpy.linalg.cholesky and eigvalsh',
      },
    },
    {
      name: 'Frechet distance, fewer images than dimensions',
      timed: 'from the float32 features of both sets to the distance; sqrtm and eigvals from the covariances',
      n: few,
      run: async () => (await frechetDistance(first(a, few), first(b, few))).value,
      peers: {
        sqrtm: 'scipy.linalg.sqrtm, as pytorch-fid and clean-fid',
        eigvals: 'numpy.linalg.eigvals, as torch-fidelity and torchmetrics',
        gram: 'numpy.linalg.svd of the Gram matrix',
      },
    },
    {
      name: 'statistics of both sets',
      timed: 'from float32 features to means and covariances in float64; the value is the sum of both traces',
      n: many,
      run: async () => {
        let sum = 0;
        for (const set of [a, b]) {
          const { n, comoment } = await gatherStatistics(set, provenance);
          for (let i = 0; i < dimension; i++) sum += comoment.data[i * (dimension + 1)]! / (n - 1);
        }
        return sum;
      },
      peers: { statistics: 'numpy.mean and numpy.cov of float64 features' },
    },
    {
      name: 'KID, all pairs',
      timed: 'from features to the distance',
      n: many,
      run: async () => (await kernelInceptionDistance(a, b)).unbiased,
      peers: { kid: 'numpy, from float64 features' },
    },
    {
      name: 'precision and recall',
      timed: 'from features to both; the value is the precision',
      n: many,
      run: async () => (await precisionRecall(a, b)).precision,
      peers: {},
    },
  ];
}

interface TimedRun {
  ms: number;
  value: number;
}

const medianMs = (runs: readonly TimedRun[]): number => Math.round(median(runs.map(({ ms }) => ms)));

const summary = (runs: readonly TimedRun[]) => ({
  medianMs: medianMs(runs),
  samples: runs.map(({ ms }) => Math.round(ms)),
  value: runs.at(-1)!.value,
});

/** Times a case in turns with its peers. */
async function timeCase({ name, timed, n, run, peers }: Case, dimension: number, rounds: number, peer: NumpyPeer | null): Promise<object> {
  process.stderr.write(`${name} `);
  const ours: TimedRun[] = [];
  const theirs: Record<string, TimedRun[]> = Object.fromEntries(Object.keys(peers).map((task) => [task, []]));
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    const value = await run();
    if (round > 0) ours.push({ ms: performance.now() - start, value });
    // The slow ones once: their first run is as slow as the next.
    if (peer !== null)
      for (const task of Object.keys(peers) as PeerTask[])
        if (round === rounds || (task !== 'sqrtm' && task !== 'eigvals' && round > 0)) theirs[task]!.push(await peer.run(task, n));
    process.stderr.write('.');
  }
  process.stderr.write(` ${medianMs(ours)} ms\n`);
  const beside = (task: string, what: string): object => ({
    what,
    ...summary(theirs[task]!),
    timesOurs: Number((medianMs(theirs[task]!) / medianMs(ours)).toPrecision(3)),
  });
  return {
    name,
    timed,
    n,
    dimension,
    ours: summary(ours),
    peers: peer === null ? null : Object.fromEntries(Object.entries(peers).map(([task, what]) => [task, beside(task, what)])),
  };
}

/** Times every case and prints the JSON. */
export async function runBench({ rounds, quick }: BenchOptions, command: string): Promise<void> {
  const sizes: Sizes = quick ? { dimension: 48, many: 300, few: 40 } : { dimension: 2048, many: 5000, few: 1000 };
  const threads = os.availableParallelism();
  const sets = [madeUp(0, sizes), madeUp(1, sizes)] as const;
  const cases = benchCases(sets, [await gatherStatistics(sets[0], provenance), await gatherStatistics(sets[1], provenance)], sizes);
  const loadBefore = os.loadavg()[0]!;
  const found = quick ? { python: null, reason: 'skipped by --quick' } : findPython(['numpy', 'scipy']);
  if (found.python === null) process.stderr.write(`no peer: ${found.reason}\n`);
  const peer = found.python === null ? null : new NumpyPeer(found.python, threads);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'metrics-bench-'));
  const results: object[] = [];
  let description = null;
  try {
    if (peer !== null) {
      const files = [path.join(directory, '0.bin'), path.join(directory, '1.bin')] as const;
      for (const [i, { data }] of sets.entries()) fs.writeFileSync(files[i]!, data);
      description = await peer.load([...files], sizes.dimension);
    }
    for (const one of cases) results.push(await timeCase(one, sizes.dimension, rounds, peer));
  } finally {
    peer?.close();
    fs.rmSync(directory, { recursive: true, force: true });
  }
  const report = {
    command,
    machine: benchMachine(threads, loadBefore),
    peer: description,
    peerReason: found.reason,
    cases: results,
  };
  printBench(report);
}
