import path from 'node:path';
import { cldm, controlNet, CONTROLNET_SCHEMA, ControlNetModel } from '@controllab/controlnet';
import { ControlNeXtModel } from '@controllab/controlnext';
import { methodMetadata, TRAINED_CONTROL_FILE } from '@controllab/base-model';
import { writeSafetensors, type Control, type ControlTarget, type Method } from '@controllab/core-blocks';
import { writeAtomic } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';

type Tensors = Record<string, HostTensor>;

/** What a training made. */
export interface TrainedControl {
  readonly method: Method;
  readonly control: Control;
  readonly target: ControlTarget;
  /** Under `control.`, and `unet.` for what it trained in the base. */
  readonly weights: Tensors;
}

/** Where training starts: the choices of a ControlNet that its values tell, and no config has to. */
const STARTS: readonly string[] = ['connection', 'copy'];

/** Whether it is what diffusers calls a ControlNetModel: every connection is there, and what it sees is the picture in [0, 1]. */
export function isDiffusersControlNet({ control, method }: Pick<TrainedControl, 'control' | 'method'>): boolean {
  const plain = controlNet().config;
  return (
    control.module instanceof ControlNetModel &&
    control.trainsInBase === null &&
    Object.entries(method.config).every(([choice, value]) => STARTS.includes(choice) || value === plain[choice])
  );
}

/** The tensors under a prefix, without it. */
export const under = (prefix: string, weights: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(weights).flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  );

/** diffusers' config.json of a ControlNet: what its constructor takes. */
const diffusersConfig = ({ config }: ControlNetModel): Record<string, unknown> => ({
  _class_name: 'ControlNetModel',
  _diffusers_version: '0.42.1',
  ...Object.fromEntries(Object.entries(config).filter(([key]) => key in CONTROLNET_SCHEMA.keys)),
});

/**
 * Writes a trained control as those who use it expect it: a ControlNet as a diffusers directory, a ControlNeXt as its authors released
 * theirs, anything else as one file of ours whose metadata names the method. `controllab generate --controlnet FOLDER` opens all of them.
 * @returns the files' names
 */
export async function writeControl(
  folder: string,
  trained: TrainedControl,
  { dtype, metadata }: { dtype: 'F32' | 'F16'; metadata: Record<string, string> },
): Promise<string[]> {
  const write = (name: string, tensors: Tensors, more: Record<string, string> = {}): string => {
    writeSafetensors(path.join(folder, name), tensors, { dtype, metadata: { format: 'pt', ...metadata, ...more } });
    return name;
  };
  const { control, method, weights } = trained;
  if (isDiffusersControlNet(trained)) {
    const config = diffusersConfig(control.module as ControlNetModel);
    await writeAtomic(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    return ['config.json', write('diffusion_pytorch_model.safetensors', under('control.', weights))];
  }
  if (control.module instanceof ControlNeXtModel)
    return [write('controlnet.safetensors', under('control.', weights)), write('unet.safetensors', under('unet.', weights))];
  return [write(TRAINED_CONTROL_FILE, weights, methodMetadata(method))];
}

/** Writes a ControlNet as one file of the original layout (lllyasviel/ControlNet). */
export function writeCldm(folder: string, { target, weights }: TrainedControl, dtype: 'F32' | 'F16'): string {
  const { prefix, stored } = cldm(target.encoder as Parameters<typeof cldm>[0]);
  const name = 'cldm.safetensors';
  const named = Object.entries(under('control.', weights)).map(([own, tensor]) => [prefix + stored(own).name, tensor] as const);
  writeSafetensors(path.join(folder, name), Object.fromEntries(named), { dtype });
  return name;
}
