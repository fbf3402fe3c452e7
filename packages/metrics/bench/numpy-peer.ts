import { spawn, spawnSync } from 'node:child_process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The first Python that has numpy and scipy, or why there is none. */
export function findPython(): { python: string; reason: null } | { python: null; reason: string } {
  const tried: string[] = [];
  for (const python of ['/usr/bin/python3', 'python3']) {
    const { status, stderr, error } = spawnSync(python, ['-c', 'import numpy, scipy.linalg'], { encoding: 'utf8' });
    if (status === 0) return { python, reason: null };
    tried.push(`${python}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  }
  return { python: null, reason: `no Python with numpy and scipy (${tried.join('; ')})` };
}

/** What peer_numpy.py can compute of the first n rows of both sets. */
export type PeerTask = 'sqrtm' | 'eigvals' | 'cholesky' | 'statistics' | 'gram' | 'kid';

/** peer_numpy.py as a child process that computes one thing at a time. */
export class NumpyPeer {
  private readonly child;
  private readonly replies: AsyncIterator<string>;

  constructor(python: string, threads: number) {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' };
    this.child = spawn(python, [fileURLToPath(new URL('peer_numpy.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.replies = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Float32 files of two sets, each [n, d]. */
  load(files: readonly [string, string], d: number): Promise<{ numpy: string; scipy: string; matmulGflops: number }> {
    return this.ask({ task: 'load', files, d });
  }

  run(task: PeerTask, n: number): Promise<{ ms: number; value: number }> {
    return this.ask({ task, n });
  }

  close(): void {
    this.child.stdin.end();
  }

  private async ask<T>(request: object): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.replies.next();
    if (done === true) throw new Error('peer_numpy.py ended early; its message is above');
    return JSON.parse(value) as T;
  }
}
