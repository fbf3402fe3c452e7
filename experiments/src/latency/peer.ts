import { UNet2DConditionModel } from '@controllab/core-blocks';
import { TorchUNet, type TorchDescription } from '@controllab/python-peer';
import { denoiserOf, exampleInputs, type Target } from '../full-size/target.ts';
import { startOf, type WeightPool } from '../full-size/weight-pool.ts';
import { ExperimentError } from '../runner/errors.ts';

export interface PeerTiming extends TorchDescription {
  seconds: number[];
  meanSquare: number;
}

/** The U-Net of a target if PyTorch's twin knows its architecture: Stable Diffusion 1 and 2, images without added conditions. */
const twinOf = (target: Target): UNet2DConditionModel | null => {
  const { unet } = denoiserOf(target);
  return unet instanceof UNet2DConditionModel && unet.config.addition_embed_type === undefined ? unet : null;
};

export const hasPeer = (target: Target): boolean => twinOf(target) !== null;

/**
 * Times the base model's U-Net in PyTorch eager, with the same weights and inputs as ours.
 * @throws ExperimentError measurement-failed
 */
export async function runPeer(
  python: string,
  { target, pool, threads, warmUp, steps }: { target: Target; pool: WeightPool; threads: number; warmUp: number; steps: number },
): Promise<PeerTiming> {
  const unet = twinOf(target)!;
  const starts = Object.fromEntries([...unet.parameters()].map(([name, { init }]) => [name, init === 'ones' ? null : startOf(name)]));
  const inputs = Object.fromEntries(
    Object.entries(exampleInputs(denoiserOf(target).inputs(1))).map(([name, { data, shape }]) => [name, { data: [...data], shape }]),
  );
  const peer = new TorchUNet(python);
  try {
    const description = await peer.make({ config: unet.config, weights: { file: pool.file, starts }, inputs, threads });
    const runs = [];
    for (let i = 0; i < warmUp + steps; i++) runs.push(await peer.forward());
    return { ...description, seconds: runs.slice(warmUp).map(({ seconds }) => seconds), meanSquare: runs.at(-1)!.meanSquare };
  } catch (error) {
    throw new ExperimentError('measurement-failed', `PyTorch's forward pass failed: ${(error as Error).message}`, { target });
  } finally {
    peer.close();
  }
}
