import { fork, type ChildProcess } from 'node:child_process';
import { findPeerPython, PythonPeer } from '@controllab/python-peer';
import type { Ceiling } from '../ceiling.ts';
import type { Network } from '../unet.ts';

/** What is timed beside ours. Those that do not train are timed in forward passes alone. */
export const PEERS = [
  { id: 'pytorch-eager', label: 'PyTorch eager', trains: true, program: 'unet_torch.py', mode: 'eager', modules: ['torch', 'numpy'] },
  { id: 'pytorch-compile', label: 'torch.compile', trains: true, program: 'unet_torch.py', mode: 'compile', modules: ['torch', 'numpy'] },
  { id: 'jax', label: 'JAX jit', trains: true, program: 'unet_jax.py', mode: 'jit', modules: ['jax', 'numpy'] },
  { id: 'openvino', label: 'OpenVINO', trains: false, program: 'unet_torch.py', mode: 'openvino', modules: ['openvino', 'torch', 'numpy'] },
  { id: 'tfjs-wasm', label: 'TensorFlow.js, WebAssembly', trains: false, program: null, mode: 'wasm', modules: [] },
  { id: 'tfjs-node', label: 'TensorFlow.js, tfjs-node', trains: true, program: null, mode: 'tensorflow', modules: [] },
] as const;

type PeerEntry = (typeof PEERS)[number];
export type PeerId = PeerEntry['id'];

/** What is timed beside a graphics card's provider: on the card too, by CUDA. */
export const ON_CUDA: readonly PeerId[] = ['pytorch-eager', 'pytorch-compile'];

export interface PeerDescription {
  /** With its version. */
  library: string;
  /** The widest vector instructions that it says it uses; null where it says nothing. */
  instructions: string | null;
  threads: number;
  /** null: it does not train. */
  optimizer: string | null;
  /** What its own product and convolution reach; null where they are another peer's, or far from any ceiling. */
  ceiling: Ceiling | null;
  parameters: number;
}

export interface PeerRun {
  ms: number;
  /** The loss of each step; of a forward pass the mean square of the result. */
  values: number[];
}

/** Why a peer is not timed: it is not there, or it cannot do the case. */
export class PeerAbsent extends Error {}

/** A program that answers requests. */
interface Conversation {
  ask(request: object): Promise<object>;
  close(): void;
}

/** A process of ours that runs the network in TensorFlow.js, op by op. */
function tfjsConversation(): Conversation {
  const child: ChildProcess = fork(new URL('tfjs-process.ts', import.meta.url), { stdio: ['ignore', 2, 2, 'ipc'] });
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const ended = (): void => reject(new Error('tfjs-process.ts ended early; its message is above'));
        child.once('exit', ended);
        child.once('message', (reply) => {
          child.off('exit', ended);
          resolve(reply as object);
        });
        child.send(request);
      }),
    close: () => child.disconnect(),
  };
}

/** One network in another library, in a process of its own. Its idle threads leave the cores alone. */
export class Peer {
  readonly entry: PeerEntry;
  private readonly conversation: Conversation;

  private constructor(entry: PeerEntry, conversation: Conversation) {
    this.entry = entry;
    this.conversation = conversation;
  }

  /** Starts the program and builds the network. @throws PeerAbsent naming what is missing */
  static async open(
    entry: PeerEntry,
    { config, batch }: Network,
    { threads, learningRate, device }: { threads: number; learningRate: number; device: 'cpu' | 'cuda' },
  ): Promise<{ peer: Peer; description: PeerDescription }> {
    const peer = new Peer(entry, entry.program === null ? tfjsConversation() : pythonConversation(entry));
    try {
      return {
        peer,
        description: await peer.ask<PeerDescription>({
          command: 'make',
          config,
          batch,
          threads,
          learningRate,
          mode: entry.mode,
          ...(entry.program === 'unet_torch.py' && { device }),
        }),
      };
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  /** @throws PeerAbsent with what the library said when it cannot do it */
  step(count: number): Promise<PeerRun> {
    return this.ask({ command: 'step', count });
  }

  forward(): Promise<PeerRun> {
    return this.ask({ command: 'forward' });
  }

  close(): void {
    this.conversation.close();
  }

  private async ask<Reply>(request: object): Promise<Reply> {
    const reply = (await this.conversation.ask(request)) as Reply & { error?: string };
    if (reply.error !== undefined) throw new PeerAbsent(reply.error);
    return reply;
  }
}

/** @throws PeerAbsent when no Python has what it needs, PythonPeerError when the one that CONTROLLAB_PYTHON names cannot be started */
function pythonConversation({ program, modules }: PeerEntry & { program: string }): Conversation {
  const { python, reason } = findPeerPython(modules);
  if (python === null) throw new PeerAbsent(reason);
  return new PythonPeer(python, new URL(program, import.meta.url));
}
