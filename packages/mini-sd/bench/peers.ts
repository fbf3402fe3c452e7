import {
  DIFFUSERS_MODES,
  DiffusersPeer,
  diffusersModules,
  findPeerPython,
  PythonPeerError,
  TorchUNet,
  type DiffusersCase,
  type DiffusersMode,
  type TorchTraining,
} from '@controllab/python-peer';
import type { HostTensor } from '@controllab/tfjs-onnx';

/** One run of a case. */
export interface Run {
  seconds: number;
  /** What it computed: losses, or the mean square of a prediction. */
  values: number[];
}

export interface CasePeer {
  name: string;
  /** With its version. */
  library: string;
  run(): Promise<Run>;
  close(): void;
}

/** The peers of a case, and those that there are not, with the reason. */
export interface CasePeers {
  peers: CasePeer[];
  notMeasured: { name: string; reason: string }[];
}

const NAMES: Record<DiffusersMode, string> = {
  eager: 'diffusers, PyTorch eager',
  compile: 'diffusers, torch.compile',
  openvino: 'diffusers, OpenVINO',
};
export const PEER_IDS = ['pytorch', ...DIFFUSERS_MODES] as const;
export type PeerId = (typeof PEER_IDS)[number];

/** What no program of ours runs these networks in. */
const ELSEWHERE = ['JAX jit', 'TensorFlow.js, WebAssembly', 'TensorFlow.js, tfjs-node'].map((name) => ({
  name,
  reason: 'there is no program of this network in it: see bench engine',
}));

const plain = (tensors: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data, shape }]) => [name, { data: [...data], shape }]));

/** A case of both Python programs. `stepsPerRun` null: predictions. */
export interface PeerCase extends Pick<DiffusersCase, 'unet' | 'control' | 'training'> {
  inputs: Record<string, HostTensor>;
  threads: number;
  stepsPerRun: number | null;
}

async function openDiffusers(mode: DiffusersMode, python: string, { stepsPerRun, inputs, ...setting }: PeerCase): Promise<CasePeer> {
  const peer = new DiffusersPeer(python);
  try {
    const { library } = await peer.make({ ...setting, inputs: plain(inputs), mode });
    const run = async (): Promise<Run> => {
      const { ms, values } = stepsPerRun === null ? await peer.forward() : await peer.step(stepsPerRun);
      return { seconds: ms / 1000, values };
    };
    return { name: NAMES[mode], library, run, close: () => peer.close() };
  } catch (error) {
    peer.close();
    throw error;
  }
}

/** Our own twin of the U-Net in PyTorch, which needs no diffusers. */
async function openTwin(python: string, { unet, inputs, threads, training, stepsPerRun }: PeerCase): Promise<CasePeer> {
  const peer = new TorchUNet(python);
  const trained: { training?: TorchTraining } =
    training === null ? {} : { training: { learningRate: training.learningRate, ema: training.ema! } };
  const { torch } = await peer.make({ ...unet, inputs: plain(inputs), threads, ...trained });
  return {
    name: 'PyTorch eager',
    library: `PyTorch ${torch}`,
    async run() {
      if (stepsPerRun === null) {
        const { seconds, meanSquare } = await peer.forward();
        return { seconds, values: [meanSquare] };
      }
      const { seconds, losses } = await peer.step(stepsPerRun);
      return { seconds, values: losses };
    },
    close: () => peer.close(),
  };
}

/** Starts the peers that were asked for and can do the case. */
export async function openPeers(item: PeerCase, asked: readonly PeerId[]): Promise<CasePeers> {
  const peers: CasePeer[] = [];
  const notMeasured = [...ELSEWHERE];
  for (const id of asked) {
    const name = id === 'pytorch' ? 'PyTorch eager' : NAMES[id];
    const absent = (reason: string): void => void notMeasured.push({ name, reason });
    if (id === 'pytorch' && item.control !== null) absent('our twin in PyTorch has no ControlNet');
    else if (id === 'openvino' && item.stepsPerRun !== null) absent('it does not train');
    else {
      const { python, reason } = findPeerPython(id === 'pytorch' ? ['torch', 'numpy'] : diffusersModules(id));
      if (python === null) absent(reason);
      else
        try {
          peers.push(id === 'pytorch' ? await openTwin(python, item) : await openDiffusers(id, python, item));
        } catch (error) {
          if (!(error instanceof PythonPeerError)) throw error;
          absent(error.message);
        }
    }
  }
  return { peers, notMeasured };
}
