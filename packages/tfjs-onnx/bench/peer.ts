import { spawn, spawnSync } from 'node:child_process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Network } from './unet.ts';

/** The first Python that can import torch and numpy, or why there is none. */
export function findPeer(): { python: string; reason: null } | { python: null; reason: string } {
  const tried: string[] = [];
  for (const python of ['/usr/bin/python3', 'python3']) {
    const { status, stderr, error } = spawnSync(python, ['-c', 'import torch, numpy'], { encoding: 'utf8' });
    if (status === 0) return { python, reason: null };
    tried.push(`${python}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  }
  return { python: null, reason: `no Python with PyTorch (${tried.join('; ')})` };
}

export interface PeerDescription {
  torch: string;
  threads: number;
  optimizer: string;
  /** What its own BLAS reaches: far below the ceiling, the comparison says little (Debian: install libopenblas0-pthread). */
  matmulGflops: number;
  parameters: number;
}

interface Timing {
  ms: number;
  /** The loss of each step; of a forward pass the mean square of the result. */
  values: number[];
}

/** peer_torch.py as a child process that times one thing at a time. */
export class Peer {
  private readonly child;
  private readonly replies: AsyncIterator<string>;

  constructor(python: string) {
    // OpenMP's idle threads must not spin on the cores while it is our turn.
    this.child = spawn(python, [fileURLToPath(new URL('peer_torch.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' } });
    this.replies = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  make({ config, batch }: Network, threads: number, learningRate: number): Promise<PeerDescription> {
    return this.ask({ command: 'make', config, batch, threads, learningRate });
  }

  step(count: number): Promise<Timing> {
    return this.ask({ command: 'step', count });
  }

  forward(): Promise<Timing> {
    return this.ask({ command: 'forward' });
  }

  close(): void {
    this.child.stdin.end();
  }

  private async ask<T>(request: object): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.replies.next();
    if (done === true) throw new Error('peer_torch.py ended early; its message is above');
    return JSON.parse(value) as T;
  }
}
