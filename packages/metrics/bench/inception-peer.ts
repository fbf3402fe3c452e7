import { PythonPeer } from '@controllab/python-peer';

export interface PeerRun {
  torch: string;
  ms: number;
  features: number[];
}

/** inception_torch.py, which runs one batch at a time. */
export class InceptionPeer {
  private readonly peer: PythonPeer;

  constructor(python: string) {
    this.peer = new PythonPeer(python, new URL('inception_torch.py', import.meta.url));
  }

  /** Features of the made-up images of that shape. */
  run(shape: readonly number[], threads: number): Promise<PeerRun> {
    return this.peer.ask({ shape, threads });
  }

  /** Writes its state dict with torch.save, in the zip layout or the one before it; gives the number of its entries. */
  async save(file: string, layout: 'zip' | 'legacy'): Promise<number> {
    return (await this.peer.ask<{ entries: number }>({ save: file, layout })).entries;
  }

  close(): void {
    this.peer.close();
  }
}
