import { PythonPeer } from '@controllab/python-peer';

/** What peer_numpy.py can compute of the first n rows of both sets. */
export type PeerTask = 'sqrtm' | 'eigvals' | 'cholesky' | 'statistics' | 'gram' | 'kid';

/** peer_numpy.py, which computes one thing at a time. */
export class NumpyPeer {
  private readonly peer: PythonPeer;

  constructor(python: string, threads: number) {
    this.peer = new PythonPeer(python, new URL('peer_numpy.py', import.meta.url), {
      OMP_NUM_THREADS: String(threads),
      OPENBLAS_NUM_THREADS: String(threads),
    });
  }

  /** Float32 files of two sets, each [n, d]. */
  load(files: readonly [string, string], d: number): Promise<{ numpy: string; scipy: string; matmulGflops: number }> {
    return this.peer.ask({ task: 'load', files, d });
  }

  run(task: PeerTask, n: number): Promise<{ ms: number; value: number }> {
    return this.peer.ask({ task, n });
  }

  close(): void {
    this.peer.close();
  }
}
