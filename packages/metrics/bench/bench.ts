/**
 * Times the distances between sets of 2048-dimensional features, beside numpy and scipy where Python has them, in turns. One JSON
 * document on stdout, progress on stderr. The features are made up: like Inception's, they are not negative, and their spread falls
 * off over four orders of magnitude.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Features, FeatureStatistics } from '@controllab/metrics';
import { findPython } from '@controllab/python-peer';
import { NumpyPeer, type PeerTask } from './numpy-peer.ts';

const USAGE = `usage: bench.ts [--rounds N] [--quick]
  --rounds N   timed runs of each case after one that is not timed (default 3)
  --quick      small sets without a peer: shows that the bench works, measures nothing`;

let options;
try {
  ({ values: options } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, quick: { type: 'boolean', default: false } } }));
  if (!/^[1-9]\d*$/.test(options.rounds)) throw new Error(`--rounds expects a positive whole number, got '${options.rounds}'`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
  process.exit(2);
}
// After the flags are known to be good: loading TensorFlow.js takes seconds.
const { normal } = await import('@controllab/data');
const { median } = await import('@controllab/report');
const { frechetDistance, gatherStatistics, kernelInceptionDistance, precisionRecall } = await import('@controllab/metrics');

const rounds = Number(options.rounds);
const { dimension, many, few } = options.quick ? { dimension: 48, many: 300, few: 40 } : { dimension: 2048, many: 5000, few: 1000 };
const threads = os.availableParallelism();
const provenance = { network: 'made up', weightsHash: '', preset: 'none', dtype: 'float32' };

function madeUp(set: number): Features & { data: Float32Array } {
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

const [a, b] = [madeUp(0), madeUp(1)];
const statistics: FeatureStatistics[] = [await gatherStatistics(a, provenance), await gatherStatistics(b, provenance)];
const cases: Case[] = [
  {
    name: 'Frechet distance, full rank',
    timed: 'from the means and covariances of both sets to the distance',
    n: many,
    run: async () => (await frechetDistance(statistics[0]!, statistics[1]!)).value,
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

const loadBefore = os.loadavg()[0]!;
const found = options.quick ? { python: null, reason: 'skipped by --quick' } : findPython(['numpy', 'scipy']);
if (found.python === null) process.stderr.write(`no peer: ${found.reason}\n`);
const peer = found.python === null ? null : new NumpyPeer(found.python, threads);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'metrics-bench-'));
const results: object[] = [];
let description = null;
try {
  if (peer !== null) {
    const files = [a, b].map(({ data }, i) => {
      const file = path.join(directory, `${i}.bin`);
      fs.writeFileSync(file, data);
      return file;
    });
    description = await peer.load(files as [string, string], dimension);
  }
  for (const { name, timed, n, run, peers } of cases) {
    process.stderr.write(`${name} `);
    const ours: { ms: number; value: number }[] = [];
    const theirs: Record<string, { ms: number; value: number }[]> = Object.fromEntries(Object.keys(peers).map((task) => [task, []]));
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
    const summary = (runs: { ms: number; value: number }[]) => ({
      medianMs: medianMs(runs),
      samples: runs.map(({ ms }) => Math.round(ms)),
      value: runs.at(-1)!.value,
    });
    results.push({
      name,
      timed,
      n,
      dimension,
      ours: summary(ours),
      peers:
        peer === null
          ? null
          : Object.fromEntries(
              Object.entries(peers).map(([task, what]) => [
                task,
                { what, ...summary(theirs[task]!), timesOurs: Number((medianMs(theirs[task]!) / medianMs(ours)).toPrecision(3)) },
              ]),
            ),
    });
  }
} finally {
  peer?.close();
  fs.rmSync(directory, { recursive: true, force: true });
}

function medianMs(runs: readonly { ms: number }[]): number {
  return Math.round(median(runs.map(({ ms }) => ms)));
}

const report = {
  command: `bench ${process.argv.slice(2).join(' ')}`.trim(),
  machine: {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    threads,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadAverage: { before: loadBefore, after: os.loadavg()[0]! },
  },
  peer: description,
  peerReason: found.reason,
  cases: results,
};
process.stdout.write(`${JSON.stringify(report, null, 2).replace(/\[[-\d.e+,\s]+\]/g, (list) => list.replace(/\s+/g, ' '))}\n`);
