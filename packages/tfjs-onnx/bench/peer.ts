import { PythonPeer } from '@controllab/python-peer';
import type { Network } from './unet.ts';

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

/** peer_torch.py, which times one thing at a time. */
export class Peer {
  private readonly peer: PythonPeer;

  constructor(python: string) {
    this.peer = new PythonPeer(python, new URL('peer_torch.py', import.meta.url));
  }

  make({ config, batch }: Network, threads: number, learningRate: number): Promise<PeerDescription> {
    return this.peer.ask({ command: 'make', config, batch, threads, learningRate });
  }

  step(count: number): Promise<Timing> {
    return this.peer.ask({ command: 'step', count });
  }

  forward(): Promise<Timing> {
    return this.peer.ask({ command: 'forward' });
  }

  close(): void {
    this.peer.close();
  }
}
