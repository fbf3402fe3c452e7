import { PythonPeer } from './python-peer.ts';
import { PythonPeerError } from './errors.ts';

/** A model of diffusers: the keys of its config.json, and where in a file of float32 numbers each parameter begins (null: all ones). */
export interface DiffusersModel {
  readonly config: object;
  readonly weights: { readonly file: string; readonly starts: Readonly<Record<string, number | null>> };
}

export interface DiffusersTraining {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Decay of averaged weights that are kept beside the trained ones; null: none. */
  readonly ema: number | null;
  /** Gradient checkpointing. */
  readonly recompute: boolean;
}

export interface DiffusersCase {
  readonly unet: DiffusersModel;
  /** What trains; null: the U-Net itself, where something does. */
  readonly control: DiffusersModel | null;
  /** Tensors by our names: sample, timesteps, context, textEmbeds, timeIds, condition; for training, target. */
  readonly inputs: Readonly<Record<string, { readonly data: readonly number[]; readonly shape: readonly number[] }>>;
  readonly threads: number;
  readonly mode: DiffusersMode;
  /** AdamW on the mean squared error. */
  readonly training: DiffusersTraining | null;
}

/** How diffusers' networks run: PyTorch eager, torch.compile, or converted to OpenVINO, which predicts alone. */
export const DIFFUSERS_MODES = ['eager', 'compile', 'openvino'] as const;
export type DiffusersMode = (typeof DIFFUSERS_MODES)[number];

/** The modules of Python that a mode needs. */
export const diffusersModules = (mode: DiffusersMode): string[] => [
  ...(mode === 'openvino' ? ['openvino'] : []),
  ...['diffusers', 'torch', 'numpy'],
];

export interface DiffusersDescription {
  /** With the versions. */
  readonly library: string;
  /** The vector instructions that PyTorch chose. */
  readonly instructions: string;
  readonly threads: number;
  readonly trainable: number;
}

export interface DiffusersRun {
  readonly ms: number;
  /** The loss of each step; of a forward pass the mean square of the prediction. */
  readonly values: number[];
  /** The most memory that its process has held; null where the system does not tell. */
  readonly peakBytes: number | null;
}

/** diffusers itself, in a process of its own: a U-Net, alone or under the ControlNet that trains. */
export class DiffusersPeer {
  private readonly peer: PythonPeer;

  constructor(python: string) {
    this.peer = new PythonPeer(python, new URL('diffusers_torch.py', import.meta.url));
  }

  /** Builds the case. @throws PythonPeerError peer-failed with what diffusers, PyTorch or OpenVINO said */
  make(setting: DiffusersCase): Promise<DiffusersDescription> {
    return this.ask({ command: 'make', ...setting });
  }

  /** Training steps on the one batch. */
  step(count: number): Promise<DiffusersRun> {
    return this.ask({ command: 'step', count });
  }

  /** One prediction without gradients. */
  forward(): Promise<DiffusersRun> {
    return this.ask({ command: 'forward' });
  }

  close(): void {
    this.peer.close();
  }

  private async ask<Reply>(request: object): Promise<Reply> {
    const reply = await this.peer.ask<Reply & { error?: string }>(request);
    if (reply.error !== undefined) throw new PythonPeerError('peer-failed', reply.error);
    return reply;
  }
}
