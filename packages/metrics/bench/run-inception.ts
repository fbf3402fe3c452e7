import os from 'node:os';
import { findPython, madeUpNumbers } from '@controllab/python-peer';
import { median } from '@controllab/report';
import { inceptionExtractor } from '../src/inception/extractor.ts';
import type { InceptionBenchOptions } from './inception-command.ts';
import { InceptionPeer, type PeerRun } from './inception-peer.ts';
import { madeUpInception } from './inception-weights.ts';

const WARM_UP = 1;

const perSecond = (images: number, ms: number): number => Number(((images * 1000) / ms).toPrecision(3));
const timedMedian = (samples: readonly number[]): number => median(samples.slice(WARM_UP));

/** Times the network in turns with PyTorch's, compares their features, and prints the JSON. */
export async function runInceptionBench({ rounds, batch }: InceptionBenchOptions): Promise<void> {
  const shape = [batch, 3, 299, 299];
  const threads = os.availableParallelism();

  const start = performance.now();
  const extractor = await inceptionExtractor(
    { tensors: madeUpInception(), hash: 'made up' },
    { preset: 'clean', batchSize: batch, threads },
  );
  const loadMs = performance.now() - start;
  const { python, reason } = findPython(['torch', 'numpy']);
  if (python === null) process.stderr.write(`no peer: ${reason}\n`);
  const peer = python === null ? null : new InceptionPeer(python);

  const images = madeUpNumbers('images', shape);
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

  const largest = Math.max(...Array.from(features, Math.abs));
  const report = {
    machine: { cpu: os.cpus()[0]?.model ?? 'unknown', threads, node: process.version, loadAverage: os.loadavg()[0]! },
    batch,
    rounds,
    imagesPerSecond: perSecond(batch, timedMedian(ours)),
    loadMs: Math.round(loadMs),
    peer:
      peer === null
        ? null
        : {
            torch: theirs[0]!.torch,
            imagesPerSecond: perSecond(batch, timedMedian(theirs.map(({ ms }) => ms))),
            // Of each pair taken one after the other: below 1 is faster than the peer.
            timeRatio: Number(timedMedian(ours.map((ms, i) => ms / theirs[i]!.ms)).toPrecision(3)),
            largestFeatureDifference: Number(
              Math.max(...Array.from(features, (x, i) => Math.abs(x - theirs[0]!.features[i]!) / largest)).toPrecision(2),
            ),
          },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
