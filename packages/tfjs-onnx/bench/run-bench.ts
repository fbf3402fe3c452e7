import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { benchMachine, printBench } from '@controllab/command-line';
import { findPython } from '@controllab/python-peer';
import { matmulCeiling } from '@controllab/tfjs-onnx';
import type { CaseResult, Job } from './case.ts';
import type { BenchOptions } from './command.ts';
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

/** Runs every case and prints the JSON. */
export async function runBench({ only, quick, rounds = quick ? 2 : 5 }: BenchOptions, command: string): Promise<void> {
  const threads = os.availableParallelism();
  const loadBefore = os.loadavg()[0]!;
  const found = quick ? { python: null, reason: 'skipped by --quick' } : findPython(['torch', 'numpy']);
  if (found.python === null) say(`no peer: ${found.reason}`);
  const sizes = quick ? [128] : [1024, 2048];
  const ceiling = async (): Promise<Record<string, number>> => {
    const gflops: Record<string, number> = {};
    for (const n of sizes) gflops[n] = round(await matmulCeiling(n, { threads, repeats: quick ? 2 : 10 }));
    return gflops;
  };

  say('matrix products');
  const products = [await ceiling()];
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
      const result = await runCase({ network, what, stepsPerRun, rounds, threads, python: found.python });
      say(` ${result.ms.median} ms${result.peer === null ? '' : `, ${result.peer.ratio.median} of the peer's time`}`);
      cases.push(result);
    }
  }
  // The machine may have been busy the first time: what counts is the best it showed in this run.
  products.push(await ceiling());
  const gflops = Math.max(...products.flatMap((p) => Object.values(p)));

  const onnxruntime = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'), 'utf8')) as {
    version: string;
  };
  const report = {
    command,
    machine: {
      ...benchMachine(threads, loadBefore),
      memoryGB: round(os.totalmem() / 1e9),
      onnxruntime: onnxruntime.version,
      malloc: Object.fromEntries(MALLOC.map((name) => [name, process.env[name] ?? null])),
    },
    ceiling: { gflops, what: 'best square matrix product in ONNX Runtime, of two measurements before and after', bySize: products },
    peer: found.python === null ? null : { what: 'PyTorch eager', python: found.python },
    peerReason: found.reason,
    cases: cases.map((result) => ({
      ...result,
      shareOfCeiling: { median: round(result.gflops.median / gflops), best: round(result.gflops.best / gflops) },
    })),
  };
  printBench(report);
}
