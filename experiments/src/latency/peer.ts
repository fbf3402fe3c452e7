import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExperimentError } from '../runner/errors.ts';
import { exampleInputs, familyOf, inputsOf, type Target } from './design.ts';
import { startOf, type WeightPool } from './weight-pool.ts';

/** The first Python that can import torch and numpy, or why there is none. */
export function findPython(): { python: string } | { python: null; reason: string } {
  const tried: string[] = [];
  for (const python of ['/usr/bin/python3', 'python3']) {
    const { status, stderr, error } = spawnSync(python, ['-c', 'import torch, numpy'], { encoding: 'utf8' });
    if (status === 0) return { python };
    tried.push(`${python}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  }
  return { python: null, reason: `no Python with PyTorch (${tried.join('; ')})` };
}

export interface PeerTiming {
  torch: string;
  threads: number;
  /** What its own BLAS reaches. */
  matmulGflops: number;
  startSeconds: number;
  seconds: number[];
  meanSquare: number;
}

/** Whether peer_torch.py has the network. */
export const hasPeer = ({ family }: Target): boolean => family === 'sd15';

/**
 * Times SD1.5's U-Net in PyTorch eager, with the same weights and inputs as ours.
 * @throws ExperimentError measurement-failed
 */
export function runPeer(python: string, { target, pool, threads, warmUp, steps }: { target: Target; pool: WeightPool; threads: number; warmUp: number; steps: number }): Promise<PeerTiming> {
  const family = familyOf(target);
  const starts = Object.fromEntries([...family.unet.parameters()].map(([name, { init }]) => [name, init === 'ones' ? null : startOf(name)]));
  const inputs = Object.fromEntries(Object.entries(exampleInputs(inputsOf(family, target, 'base'))).map(([name, { data, shape }]) => [name, { data: [...data], shape }]));
  return new Promise((resolve, reject) => {
    const child = spawn(python, [fileURLToPath(new URL('peer_torch.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output) as PeerTiming);
      else reject(new ExperimentError('measurement-failed', `PyTorch's forward pass ended with ${signal ?? `code ${code}`}; its message is above.`, { target }));
    });
    child.stdin.end(JSON.stringify({ pool: pool.file, starts, inputs, threads, warmUp, steps }));
  });
}
