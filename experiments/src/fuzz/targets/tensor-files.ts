import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { storedZip } from '@controllab/data/testing/zip';
import { mergeLoras } from '@controllab/base-model';
import {
  Linear,
  loadStateDict,
  Module,
  Parameter,
  readConstant,
  readSafetensors,
  readTorchFile,
  verifySafetensors,
  writeSafetensors,
} from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { readStatistics, writeStatistics } from '@controllab/metrics';
import { newestCheckpoint, writeCheckpoint } from '@controllab/training';
import type { Reading, Target } from '../target.ts';

/** What a function writes into a file. */
export function written(name: string, write: (file: string) => void): Buffer {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fuzz-sample-'));
  try {
    write(path.join(folder, name));
    return readFileSync(path.join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const sha = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\n');
  return hash.digest('hex');
};

const readingOf = (tensors: Readonly<Record<string, HostTensor>>): Reading => {
  const names = Object.keys(tensors).sort();
  return {
    structure: names.map((name) => `${name} ${tensors[name]!.data.constructor.name} [${tensors[name]!.shape.join()}]`).join('; '),
    payload: sha(...names.map((name) => new Uint8Array(tensors[name]!.data.slice().buffer))),
  };
};

const layer = new Linear(3, 2);
const TENSORS = {
  weight: { data: Float32Array.of(0.5, -1, 2, 3, 1e-3, -4), shape: [2, 3] },
  bias: { data: Float32Array.of(1, -1), shape: [2] },
};

/** The JSON header, with the length in front of it and spaces that keep the data where they are found. */
const header: NonNullable<Target['inner']> = {
  text: true,
  open: (file) => Buffer.from(file).subarray(8, 8 + Number(Buffer.from(file).readBigUInt64LE(0))),
  close: (inner, file) => {
    const whole = Buffer.from(file);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(inner.length));
    return Buffer.concat([length, inner, whole.subarray(8 + Number(whole.readBigUInt64LE(0)))]);
  },
};

/** A file as others write it: without a checksum. */
function foreignSafetensors(): Buffer {
  const json = Buffer.from(
    JSON.stringify({
      __metadata__: { format: 'pt' },
      bias: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
      weight: { dtype: 'F32', shape: [2, 3], data_offsets: [4, 28] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from([0, 0x3c, 0, 0xbc]), Buffer.from(TENSORS.weight.data.buffer)]);
}

const safetensors: Target = {
  name: 'safetensors',
  samples: async () => [foreignSafetensors(), written('x.safetensors', (file) => writeSafetensors(file, TENSORS))],
  place: async (folder) => path.join(folder, 'model.safetensors'),
  hostile: () => {
    const head = (json: string, length = BigInt(json.length)): Buffer => {
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(length);
      return Buffer.concat([prefix, Buffer.from(json)]);
    };
    return [
      head('{}', (1n << 63n) - 1n),
      head(`${'['.repeat(5_000_000)}`),
      head(`{"${'x'.repeat(20_000_000)}":1}`),
      head(`{${Array.from({ length: 300_000 }, (_, i) => `"t${i}":{"dtype":"F32","shape":[],"data_offsets":[0,0]}`).join()}}`),
      head('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
      head(`{"a":{"dtype":"F32","shape":[${Array(100_000).fill(1).join()}],"data_offsets":[0,0]}}`),
    ];
  },
  inner: header,
  read: async (file) => readingOf(loadStateDict(layer, readSafetensors(file))),
};

const verified: Target = {
  ...safetensors,
  name: 'safetensors-verified',
  samples: async () => [written('x.safetensors', (file) => writeSafetensors(file, TENSORS, { metadata: { seed: '1' } }))],
  read: async (file) => {
    const opened = verifySafetensors(file);
    return readingOf(Object.fromEntries(opened.names().map((name) => [name, opened.tensor(name)])));
  },
};

const PROVENANCE = { network: 'mini', weightsHash: 'ab', preset: 'clean', dtype: 'float32' };

const statistics: Target = {
  ...safetensors,
  name: 'statistics',
  samples: async () => [
    written('s.safetensors', (file) =>
      writeStatistics(file, {
        n: 5,
        mean: Float64Array.of(1, 2),
        comoment: { data: Float64Array.of(2, 1, 1, 2), rows: 2, columns: 2 },
        provenance: PROVENANCE,
        imageSet: { hash: 'a'.repeat(64) },
      }),
    ),
  ],
  read: async (file) => {
    const { n, mean, comoment, provenance, imageSet } = readStatistics(file);
    return {
      structure: JSON.stringify([n, mean.length, comoment.rows, comoment.columns, provenance, imageSet]),
      payload: [...mean, ...comoment.data].join(),
    };
  },
};

const CONFIG = { width: 4 };
const checkpoint: Target = {
  ...safetensors,
  name: 'training-checkpoint',
  samples: async () => [
    written('step-00000005.safetensors', (file) =>
      writeCheckpoint(path.dirname(file), { step: 5, seed: 1, config: CONFIG, state: TENSORS, log: 'ab', isSound: () => true }),
    ),
  ],
  place: async (folder) => path.join(folder, 'step-00000005.safetensors'),
  read: async (file) => {
    let reason = '';
    const found = newestCheckpoint(path.dirname(file), CONFIG, { holds: (log) => log === 'ab', onBroken: (_, why) => (reason = why) });
    if (found === null) throw refusal(reason);
    const { structure, payload } = readingOf(found.state);
    return { structure: `${found.step} ${found.log} ${structure}`, payload };
  },
};

/** What a parser says that gives no error but passes over a damaged file with a word. */
export const refusal = (reason: string): Error => Object.assign(new Error(reason), { code: 'passed-over', values: {} });

/**
 * The data.pkl that PyTorch 1.13 writes for OrderedDict(a=base.t(), row=base[1], half=[1.5, -2] (float16), bf=[[0.5]] (bfloat16),
 * double=[1/3] (float64), count=-7 (int64), none=zeros(0, 4), wide=[9.].expand(2, 2)) with base = arange(6).reshape(2, 3).
 */
const PICKLE = Buffer.from(
  'gAJjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBKFgBAAAAYXECY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQMoKFgHAAAAc3RvcmFnZXEEY3RvcmNoCkZsb2F0U3RvcmFnZQpxBVgBAAAAMHEGWAMAAABjcHVxB0sGdHEIUUsASwNLAoZxCUsBSwOGcQqJaAApUnELdHEMUnENWAMAAAByb3dxDmgDKChoBGgFaAZoB0sGdHEPUUsDSwOFcRBLAYVxEYloAClScRJ0cRNScRRYBAAAAGhhbGZxFWgDKChoBGN0b3JjaApIYWxmU3RvcmFnZQpxFlgBAAAAMXEXaAdLAnRxGFFLAEsChXEZSwGFcRqJaAApUnEbdHEcUnEdWAIAAABiZnEeaAMoKGgEY3RvcmNoCkJGbG9hdDE2U3RvcmFnZQpxH1gBAAAAMnEgaAdLAXRxIVFLAEsBSwGGcSJLAUsBhnEjiWgAKVJxJHRxJVJxJlgGAAAAZG91YmxlcSdoAygoaARjdG9yY2gKRG91YmxlU3RvcmFnZQpxKFgBAAAAM3EpaAdLAXRxKlFLAEsBhXErSwGFcSyJaAApUnEtdHEuUnEvWAUAAABjb3VudHEwaAMoKGgEY3RvcmNoCkxvbmdTdG9yYWdlCnExWAEAAAA0cTJoB0sBdHEzUUsAKSmJaAApUnE0dHE1UnE2WAQAAABub25lcTdoAygoaARoBVgBAAAANXE4aAdLAHRxOVFLAEsASwSGcTpLBEsBhnE7iWgAKVJxPHRxPVJxPlgEAAAAd2lkZXE/aAMoKGgEaAVYAQAAADZxQGgHSwF0cUFRSwBLAksChnFCSwBLAIZxQ4loAClScUR0cUVScUZ1Lg==',
  'base64',
);
const STORAGES = [
  '000000000000803f0000004000004040000080400000a040',
  '003e00c0',
  '003f',
  '555555555555d53f',
  'f9ffffffffffffff',
  '',
  '00001041',
] as const;
const torchFile = (pickle: Uint8Array): Buffer =>
  storedZip([['t/data.pkl', pickle], ...STORAGES.map((hex, i) => [`t/data/${i}`, Buffer.from(hex, 'hex')] as const)]);

/** What the file is loaded into: as for every model, names and shapes must be those. */
class Loaded extends Module {
  readonly a = new Parameter([3, 2], 'zeros');
  readonly row = new Parameter([3], 'zeros');
  readonly half = new Parameter([2], 'zeros');
  readonly bf = new Parameter([1, 1], 'zeros');
  readonly double = new Parameter([1], 'zeros');
  readonly count = new Parameter([], 'zeros');
  readonly none = new Parameter([0, 4], 'zeros');
  readonly wide = new Parameter([2, 2], 'zeros');
}
const loaded = new Loaded();

const torch: Target = {
  name: 'pth',
  samples: async () => [torchFile(PICKLE)],
  place: async (folder) => path.join(folder, 'weights.pth'),
  inner: { text: false, open: () => PICKLE, close: (pickle) => torchFile(pickle) },
  hostile: () => {
    // A memo that doubles a string or a tuple with every opcode: BINPUT 0, then (BINGET 0, BINGET 0, TUPLE2, BINPUT 0) again and again.
    const doubled = Buffer.concat([
      Buffer.from([0x80, 2, 0x29, 0x71, 0]),
      Buffer.concat(Array.from({ length: 60 }, () => Buffer.from([0x68, 0, 0x68, 0, 0x86, 0x71, 0]))),
      Buffer.from('.'),
    ]);
    const nested = Buffer.concat([
      Buffer.from([0x80, 2]),
      Buffer.alloc(1_000_000, '('),
      Buffer.from('t'.repeat(1_000_000)),
      Buffer.from('.'),
    ]);
    const executed = Buffer.from("cos\nsystem\n(S'echo hostile'\ntR.");
    return [doubled, nested, executed].map(torchFile);
  },
  read: async (file) => readingOf(loadStateDict(loaded, await readTorchFile(file))),
};

const weight = (...shape: number[]): HostTensor => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape });
/** A base of two layers that no LoRA can take for one another. */
const BASE = {
  'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight': weight(3, 2),
  'unet.mid_block.resnets.0.conv1.weight': weight(2, 3, 1, 2),
};
const LORA_LAYERS = ['mid_block.attentions.0.transformer_blocks.0.attn1.to_q', 'mid_block.resnets.0.conv1'] as const;
const kohya = LORA_LAYERS.map((layer) => `lora_unet_${layer.replaceAll('.', '_')}`);

const lora: Target = {
  ...safetensors,
  name: 'lora',
  samples: async () => [
    written('kohya.safetensors', (file) =>
      writeSafetensors(file, {
        [`${kohya[0]}.lora_down.weight`]: weight(1, 2),
        [`${kohya[0]}.lora_up.weight`]: weight(3, 1),
        [`${kohya[1]}.lora_down.weight`]: weight(1, 3, 1, 1),
        [`${kohya[1]}.lora_mid.weight`]: weight(2, 1, 1, 2),
        [`${kohya[1]}.lora_up.weight`]: weight(2, 2, 1, 1),
        [`${kohya[1]}.alpha`]: weight(),
      }),
    ),
    written('peft.safetensors', (file) =>
      writeSafetensors(
        file,
        { [`unet.${LORA_LAYERS[0]}.lora_A.weight`]: weight(1, 2), [`unet.${LORA_LAYERS[0]}.lora_B.weight`]: weight(3, 1) },
        { metadata: { lora_adapter_metadata: '{"unet.lora_alpha": 2, "unet.alpha_pattern": {"to_q": 3}}' } },
      ),
    ),
  ],
  read: async (file) => mergedWith(file),
};

function mergedWith(file: string): Reading {
  const merged = mergeLoras(BASE, [{ file, weight: 1 }]);
  const changed = Object.entries(merged).filter(([name, tensor]) => tensor !== BASE[name as keyof typeof BASE]);
  return readingOf(Object.fromEntries(changed.map(([name, tensor]) => [name, readConstant(tensor)])));
}

const adapter = (change: object): Buffer => Buffer.from(JSON.stringify({ peft_type: 'LORA', r: 1, lora_alpha: 2, ...change }));

/** The config that peft writes beside an adapter. */
const adapterConfig: Target = {
  name: 'adapter-config',
  samples: async () => [adapter({ use_rslora: true, alpha_pattern: { 'attn1\\.to_q': 3 }, rank_pattern: {} })],
  place: async (folder) => {
    const tensors = { A: weight(1, 2), B: weight(3, 1) };
    writeSafetensors(
      path.join(folder, 'adapter_model.safetensors'),
      Object.fromEntries(
        Object.entries(tensors).map(([half, tensor]) => [`base_model.model.${LORA_LAYERS[0]}.lora_${half}.weight`, tensor]),
      ),
    );
    return path.join(folder, 'adapter_config.json');
  },
  text: true,
  hostile: () => [
    adapter({ alpha_pattern: { '(.*a)+to_q': 1 } }),
    adapter({ alpha_pattern: { 'to_(q': 1 } }),
    adapter({ alpha_pattern: ['to_q'] }),
    adapter({ r: 1e9 }),
    adapter({ lora_alpha: 'toString' }),
    adapter({ use_dora: true }),
  ],
  read: async (file) => mergedWith(path.dirname(file)),
};

export const tensorFiles: readonly Target[] = [safetensors, verified, statistics, checkpoint, torch, lora, adapterConfig];
