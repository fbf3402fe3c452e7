// What fixtures/make/mini_controlnet.py reads: node write-mini-case.ts FOLDER, an empty one.
import path from 'node:path';
import { controlNet } from '@controllab/controlnet';
import { writeSafetensors } from '@controllab/core-blocks';
import { openMini } from '@controllab/mini-sd';
import { exportDiffusers } from '@controllab/mini-sd/export-diffusers';
import { writeControl } from '../output/write-control.ts';
import { writeOnnx } from '../output/write-onnx.ts';
import { miniBatch, miniControlNet } from './mini-case.ts';

const folder = process.argv[2]!;
const base = openMini();
const { control, weights } = miniControlNet(base);
const denoiser = base.denoiser();
const trained = { method: controlNet(), control, target: denoiser.target, weights };
await exportDiffusers(path.join(folder, 'mini'));
await writeControl(path.join(folder, 'control'), trained, { dtype: 'F32', metadata: {} });
writeOnnx(path.join(folder, 'control'), trained, denoiser, { width: 16, height: 16 });
writeSafetensors(path.join(folder, 'batch.safetensors'), miniBatch());
