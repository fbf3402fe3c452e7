import { UNet2DConditionModel, UNetSpatioTemporalConditionModel, type Denoiser } from '@controllab/core-blocks';
import {
  DiffusersPeer,
  diffusersModules,
  findPeerPython,
  TorchUNet,
  type DiffusersCase,
  type DiffusersMode,
} from '@controllab/python-peer';
import { denoiserOf, exampleInputs, type Target } from '../full-size/target.ts';
import { startOf, type WeightPool } from '../full-size/weight-pool.ts';
import { ExperimentError } from '../runner/errors.ts';

/** What times the base model's U-Net beside ours, in PyTorch or from it. */
export const PEERS = {
  torch: { label: 'PyTorch eager', modules: ['torch', 'numpy'] },
  diffusers: { label: 'diffusers, PyTorch eager', modules: diffusersModules('eager') },
  openvino: { label: 'diffusers, OpenVINO', modules: diffusersModules('openvino') },
} as const;
export type PeerId = keyof typeof PEERS;
export const PEER_IDS = Object.keys(PEERS) as PeerId[];

const MODES: Partial<Record<PeerId, DiffusersMode>> = { diffusers: 'eager', openvino: 'openvino' };

export interface PeerTiming {
  /** With its version. */
  library: string;
  seconds: number[];
  meanSquare: number;
  /** The most memory that its process held; null where it does not tell. */
  peakBytes: number | null;
}

/** The interpreters of the peers that there are, and why there are no others. */
export interface FoundPeers {
  readonly pythons: Readonly<Partial<Record<PeerId, string>>>;
  readonly notMeasured: readonly { readonly label: string; readonly reason: string }[];
}

/** Looks for the peers' modules. A Python that CONTROLLAB_PYTHON names and that lacks those of one has the others. */
export function findPeers(): FoundPeers {
  const pythons: Partial<Record<PeerId, string>> = {};
  const notMeasured: { label: string; reason: string }[] = [];
  for (const id of PEER_IDS) {
    const { label, modules } = PEERS[id];
    const { python, reason } = findPeerPython(modules);
    if (python === null) notMeasured.push({ label, reason });
    else pythons[id] = python;
  }
  return { pythons, notMeasured };
}

/**
 * The peers that know a target's U-Net: diffusers every one; our twin in PyTorch, and OpenVINO (which keeps the weights three times while
 * it loads them), Stable Diffusion 1 and 2.
 */
export const peersOf = (target: Target): PeerId[] => {
  const { unet } = denoiserOf(target);
  return unet instanceof UNet2DConditionModel && unet.config.addition_embed_type === undefined ? PEER_IDS : ['diffusers'];
};

/**
 * A denoiser's U-Net for the programs in Python: config, where its weights begin in the pool, inputs.
 * @throws ExperimentError measurement-failed for a U-Net that is none of diffusers'
 */
export function peerNetwork({ unet, inputs }: Denoiser, { file }: Pick<WeightPool, 'file'>): Pick<DiffusersCase, 'unet' | 'inputs'> {
  if (!(unet instanceof UNet2DConditionModel || unet instanceof UNetSpatioTemporalConditionModel))
    throw new ExperimentError('measurement-failed', 'this U-Net is none of diffusers', {});
  const starts = Object.fromEntries([...unet.parameters()].map(([name, { init }]) => [name, init === 'ones' ? null : startOf(name)]));
  const video = unet instanceof UNetSpatioTemporalConditionModel ? { _class_name: 'UNetSpatioTemporalConditionModel' } : {};
  const numbers = Object.entries(exampleInputs(inputs(1))).map(([name, { data, shape }]) => [name, { data: [...data], shape }]);
  return { unet: { config: { ...video, ...unet.config }, weights: { file, starts } }, inputs: Object.fromEntries(numbers) };
}

/** Times `warmUp` and `steps` predictions of a U-Net in diffusers. */
export async function timeDiffusers(
  python: string,
  setting: Pick<DiffusersCase, 'unet' | 'inputs' | 'threads' | 'mode'>,
  { warmUp, steps }: { warmUp: number; steps: number },
): Promise<PeerTiming> {
  const peer = new DiffusersPeer(python);
  try {
    const { library } = await peer.make({ ...setting, control: null, training: null });
    const runs = [];
    for (let i = 0; i < warmUp + steps; i++) runs.push(await peer.forward());
    const { values, peakBytes } = runs.at(-1)!;
    return { library, seconds: runs.slice(warmUp).map(({ ms }) => ms / 1000), meanSquare: values[0]!, peakBytes };
  } finally {
    peer.close();
  }
}

/** Times the same predictions in our twin. */
async function timeTwin(
  python: string,
  { unet, inputs, threads }: Pick<DiffusersCase, 'unet' | 'inputs' | 'threads'>,
  { warmUp, steps }: { warmUp: number; steps: number },
): Promise<PeerTiming> {
  const peer = new TorchUNet(python);
  try {
    const { torch } = await peer.make({ ...unet, inputs, threads });
    const runs = [];
    for (let i = 0; i < warmUp + steps; i++) runs.push(await peer.forward());
    const { meanSquare } = runs.at(-1)!;
    return { library: `PyTorch ${torch}`, seconds: runs.slice(warmUp).map(({ seconds }) => seconds), meanSquare, peakBytes: null };
  } finally {
    peer.close();
  }
}

/**
 * Times the base model's U-Net in a peer, with the same weights and inputs as ours.
 * @throws ExperimentError measurement-failed
 */
export async function runPeer(
  id: PeerId,
  python: string,
  { target, pool, threads, ...counts }: { target: Target; pool: WeightPool; threads: number; warmUp: number; steps: number },
): Promise<PeerTiming> {
  const setting = { ...peerNetwork(denoiserOf(target), pool), threads };
  const mode = MODES[id];
  try {
    return mode === undefined ? await timeTwin(python, setting, counts) : await timeDiffusers(python, { ...setting, mode }, counts);
  } catch (error) {
    throw new ExperimentError('measurement-failed', `The forward pass of ${PEERS[id].label} failed: ${(error as Error).message}`, {
      target,
    });
  }
}
