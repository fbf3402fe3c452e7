import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { benchMachine, printBench } from '@controllab/command-line';
import { bestCeiling, ownCeiling } from './ceiling.ts';
import type { CaseResult, Job } from './case.ts';
import type { BenchOptions } from './command.ts';
import { PEERS } from './peers/peer.ts';
import { round } from './statistics.ts';
import { NETWORKS, QUICK_NETWORKS } from './unet.ts';

/** glibc's settings that keep freed tensors mapped; without them the kernel's page faults are part of the measurement. */
const MALLOC = ['MALLOC_MMAP_MAX_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_'];

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function runCase(job: Job): Promise<CaseResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('case.ts', import.meta.url), { stdio: ['ignore', 2, 2, 'ipc'] });
    let result: CaseResult | null = null;
    child.on('message', (message) => (result = message as CaseResult));
    child.on('exit', (code, signal) => {
      if (result === null)
        reject(new Error(`${job.network.name} ${job.what} ended with ${signal ?? `code ${code}`} before it had a result`));
      else resolve(result);
    });
    child.send(job);
  });
}

const OWN = 'ONNX Runtime';

/** A line for the terminal. */
const told = ({ ms, peers, notMeasured }: CaseResult): string =>
  [
    ` ${ms.median} ms`,
    ...peers.map(({ name, ratio }) => `${ratio.median} of ${name}'s time`),
    ...notMeasured.map(({ name, reason }) => `${name} not measured: ${reason}`),
  ].join('\n  ');

/** Runs every case and prints the JSON. */
export async function runBench(
  { only, quick, provider = 'cpu', rounds = quick ? 2 : 5, peers = quick ? [] : PEERS.map(({ id }) => id) }: BenchOptions,
  command: string,
): Promise<void> {
  const threads = os.availableParallelism();
  const loadBefore = os.loadavg()[0]!;
  say('matrix products and convolutions');
  const ceilings = [{ name: OWN, ceiling: await ownCeiling({ threads, provider, quick }) }];
  const cases: CaseResult[] = [];
  for (const network of quick ? QUICK_NETWORKS : NETWORKS) {
    const plan = [
      { what: 'step', stepsPerRun: 1 },
      { what: 'step', stepsPerRun: 10 },
      { what: 'forward', stepsPerRun: 1 },
    ] as const;
    for (const { what, stepsPerRun } of plan) {
      if (only !== undefined && what !== only) continue;
      process.stderr.write(`${network.name} ${what}${stepsPerRun > 1 ? ` x${stepsPerRun}` : ''} `);
      const result = await runCase({ network, what, stepsPerRun, rounds, threads, provider, peers });
      say(told(result));
      cases.push(result);
    }
  }
  // The machine may have been busy the first time: what counts is the best that anything showed in this run.
  ceilings.push({ name: OWN, ceiling: await ownCeiling({ threads, provider, quick }) });
  for (const { library, ceiling } of cases.flatMap((result) => result.peers))
    if (ceiling !== null) ceilings.push({ name: library, ceiling });
  const best = bestCeiling(ceilings);
  const share = ({ median, best: fastest }: CaseResult['gflops']) => ({
    median: round(median / best.gflops),
    best: round(fastest / best.gflops),
  });

  const onnxruntime = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'), 'utf8')) as {
    version: string;
  };
  const report = {
    command,
    provider,
    machine: {
      ...benchMachine(threads, loadBefore),
      memoryGB: round(os.totalmem() / 1e9),
      onnxruntime: onnxruntime.version,
      malloc: Object.fromEntries(MALLOC.map((name) => [name, process.env[name] ?? null])),
    },
    ceiling: { ...best, what: 'best square matrix product and 3 x 3 convolution that anything here reached in this run' },
    cases: cases.map((result) => ({
      ...result,
      shareOfCeiling: share(result.gflops),
      peers: result.peers.map((peer) => ({ ...peer, shareOfCeiling: share(peer.gflops) })),
    })),
  };
  printBench(report);
}
