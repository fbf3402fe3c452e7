import path from 'node:path';
import { shellText } from '@controllab/command-line';
import type { LogLine } from '@controllab/training';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { isMini } from '@controllab/mini-sd/names';
import type { PageSetting } from '../live/page.ts';
import type { PlannedTraining } from '../train.ts';
import { writeModelCard } from './model-card.ts';
import { isDiffusersControlNet, writeCldm, writeControl, type TrainedControl } from './write-control.ts';
import { writeOnnx } from './write-onnx.ts';

const fenced = (language: string, lines: readonly string[]): string => ['```' + language, ...lines, '```'].join('\n');

/** How the files are used, in words for a model card. */
function useOf({ settings, out, size }: PlannedTraining, isDiffusers: boolean): string {
  const folder = path.basename(out);
  const model = isMini(settings.base) ? (settings.base === 'mini' ? [] : ['--model', settings.base]) : ['--model', 'BASE'];
  const extractor = settings.control === 'canny' ? ['--extractor', 'canny'] : [];
  const words = shellText(['npx', 'controllab', 'generate', ...model, '--controlnet', folder, '--condition', 'picture.png', ...extractor]);
  const pixels = isMini(settings.base) ? '' : ` --width ${size.width} --height ${size.height}`;
  const here = fenced('sh', [`${words} --prompt "..."${pixels}`]);
  if (!isDiffusers) return here;
  const loaded = `controlnet = ControlNetModel.from_pretrained(${JSON.stringify(folder)})`;
  return `${here}\n\n${fenced('py', ['from diffusers import ControlNetModel', '', loaded])}`;
}

/** Writes everything that a finished training leaves. @returns the files' names */
export async function writeOutputs(
  planned: PlannedTraining,
  { weights, page, lines }: { weights: Record<string, HostTensor>; page: PageSetting; lines: readonly LogLine[] },
): Promise<string[]> {
  const { settings, base, control, data, latent, out, at } = planned;
  const denoiser = base.denoiser({ extraInputs: control.extraInputs });
  const trained: TrainedControl = { method: settings.method, control, target: denoiser.target, weights };
  const { saveDtype: dtype, seed, exports } = settings;
  const metadata = { base: base.hash, dataset: data.dataset.hash, condition: settings.control, seed: String(seed) };
  const files = await writeControl(out, trained, { dtype, metadata });
  if (exports.includes('cldm')) files.push(writeCldm(out, trained, dtype));
  if (exports.includes('onnx')) files.push(writeOnnx(out, trained, denoiser, latent));
  const isDiffusers = isDiffusersControlNet(trained);
  const card = await writeModelCard(out, {
    page,
    lines,
    base: settings.base,
    control: data.extractor?.label ?? (settings.control === 'canny' ? 'Canny edges' : "pictures of the data's condition column"),
    library: isDiffusers ? 'diffusers' : null,
    files,
    use: useOf(planned, isDiffusers),
    say: at.say,
  });
  return [...files, ...card];
}
