import { PythonPeer } from './python-peer.ts';

/** Numbers of a tensor for JSON. */
export type TorchTensors = Readonly<Record<string, { data: readonly number[]; shape: readonly number[] }>>;

/** AdamW on the mean squared error against input `target`, and averaged weights. */
export interface TorchTraining {
  learningRate: number;
  /** Decay of the averaged weights. */
  ema: number;
}

export interface TorchDescription {
  torch: string;
  threads: number;
  /** What its own BLAS reaches: far below the ceiling, the comparison says little (Debian: install libopenblas0-pthread). */
  matmulGflops: number;
  /** Building the network and filling in its weights. */
  startSeconds: number;
}

/**
 * diffusers' UNet2DConditionModel in PyTorch eager, in a process of its own: what a U-Net of ours is timed beside. It starts from the
 * same numbers, and what it computes comes back, so that a comparison of times can show that both are the same network.
 */
export class TorchUNet {
  private readonly peer: PythonPeer;

  constructor(python: string) {
    this.peer = new PythonPeer(python, new URL('unet_torch.py', import.meta.url));
  }

  /**
   * @param network.config the keys of diffusers' config.json
   * @param network.weights float32 numbers in a file, and where in it each parameter begins, by its name in the state_dict; null: all ones
   * @param network.inputs sample [N, C, H, W], timesteps [N], context [N, S, D]; for training, target [N, C, H, W]
   */
  make(network: {
    config: object;
    weights: { file: string; starts: Readonly<Record<string, number | null>> };
    inputs: TorchTensors;
    threads: number;
    training?: TorchTraining;
  }): Promise<TorchDescription> {
    return this.peer.ask({ command: 'make', ...network });
  }

  /** One prediction without gradients. */
  forward(): Promise<{ seconds: number; meanSquare: number }> {
    return this.peer.ask({ command: 'forward' });
  }

  /** Training steps on the one batch. */
  step(count: number): Promise<{ seconds: number; losses: number[] }> {
    return this.peer.ask({ command: 'step', count });
  }

  close(): void {
    this.peer.close();
  }
}
