/**
 * Images per second through FID's Inception network, and through the same network in PyTorch eager where Python has it, in turns.
 * One JSON document on stdout, progress on stderr. Weights and images are made up; the features of both are compared.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { findPython } from '@controllab/python-peer';
import { median } from '@controllab/report';
import { inceptionExtractor } from '../src/inception/extractor.ts';
import { InceptionPeer, type PeerRun } from './inception-peer.ts';
import { madeUpInception, numbers } from './inception-weights.ts';

const WARM_UP = 1;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, batch: { type: 'string', default: '8' } } });
for (const [flag, value] of Object.entries(values)) {
  if (!/^[1-9]\d*$/.test(value)) {
    process.stderr.write(`--${flag} expects a positive whole number, got '${value}'\nusage: inception.ts [--rounds 5] [--batch 8]\n`);
    process.exit(2);
  }
}
const rounds = Number(values.rounds);
const shape = [Number(values.batch), 3, 299, 299];
const threads = os.availableParallelism();

const start = performance.now();
const extractor = await inceptionExtractor(
  { tensors: madeUpInception(), hash: 'made up' },
  { preset: 'clean', batchSize: shape[0]!, threads },
);
const loadMs = performance.now() - start;
const { python, reason } = findPython(['torch', 'numpy']);
if (python === null) process.stderr.write(`no peer: ${reason}\n`);
const peer = python === null ? null : new InceptionPeer(python);

const images = numbers('images', shape);
const ours: number[] = [];
const theirs: PeerRun[] = [];
let features = new Float32Array();
for (let i = 0; i < WARM_UP + rounds; i++) {
  if (peer !== null) theirs.push(await peer.run(shape, threads));
  const begin = performance.now();
  features = (await extractor.run(images)) as Float32Array<ArrayBuffer>;
  ours.push(performance.now() - begin);
  process.stderr.write('.');
}
process.stderr.write('\n');
peer?.close();
await extractor.release();

const timedMedian = (samples: readonly number[]): number => median(samples.slice(WARM_UP));
const perSecond = (ms: number): number => Number(((shape[0]! * 1000) / ms).toPrecision(3));
const largest = Math.max(...Array.from(features, Math.abs));
const report = {
  machine: { cpu: os.cpus()[0]?.model ?? 'unknown', threads, node: process.version, loadAverage: os.loadavg()[0]! },
  batch: shape[0],
  rounds,
  imagesPerSecond: perSecond(timedMedian(ours)),
  loadMs: Math.round(loadMs),
  peer:
    peer === null
      ? null
      : {
          torch: theirs[0]!.torch,
          imagesPerSecond: perSecond(timedMedian(theirs.map(({ ms }) => ms))),
          // Of each pair taken one after the other: below 1 is faster than the peer.
          timeRatio: Number(timedMedian(ours.map((ms, i) => ms / theirs[i]!.ms)).toPrecision(3)),
          largestFeatureDifference: Number(
            Math.max(...Array.from(features, (x, i) => Math.abs(x - theirs[0]!.features[i]!) / largest)).toPrecision(2),
          ),
        },
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
