import path from 'node:path';
import { workspaceRoot } from '@controllab/command-line';
import { MetricsError } from '../errors.ts';

/** A published file of weights. */
export interface PublishedFile {
  /** Its name in a folder of weights. */
  file: string;
  url: string;
  sha256: string;
  what: string;
  author: string;
  license: string;
}

/** What the metrics need, by the name under which `--weights` takes another file for it. */
export const WEIGHTS = {
  inception: {
    file: 'fid_inception.safetensors',
    url: 'https://huggingface.co/nikhilr01/sen-bridge-weights/resolve/main/fid_inception.safetensors',
    sha256: 'b7a528bf4051f62c057bc14657865abf180a23eb1748d00ff0933d84698202ed',
    author: 'Google; conversion by Maximilian Seitzer',
    license: 'Apache-2.0',
    what: 'FID\u2019s Inception network, pt_inception-2015-12-05 (pytorch-fid), as safetensors',
  },
  clip: {
    file: 'clip-vit-large-patch14.safetensors',
    url: 'https://huggingface.co/openai/clip-vit-large-patch14/resolve/32bd64288804d66eefd0ccbe215aa642df71cc41/model.safetensors',
    sha256: 'a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb',
    author: 'OpenAI',
    license: 'MIT',
    what: 'OpenAI\u2019s CLIP ViT-L/14, both towers (1.7 GB)',
  },
  'clip-tokenizer': {
    file: 'bpe_simple_vocab_16e6.txt.gz',
    url: 'https://raw.githubusercontent.com/openai/CLIP/main/clip/bpe_simple_vocab_16e6.txt.gz',
    sha256: '924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a',
    author: 'OpenAI',
    license: 'MIT',
    what: 'the merges of OpenAI\u2019s CLIP tokenizer',
  },
  'aesthetic-v1': {
    file: 'sa_0_4_vit_l_14_linear.pth',
    url: 'https://raw.githubusercontent.com/LAION-AI/aesthetic-predictor/main/sa_0_4_vit_l_14_linear.pth',
    sha256: '2cd4e60f4f24ae3bcd57b847b13c1f3ba27edc28cc1a7f9ce74ee9f421243cba',
    author: 'LAION',
    license: 'MIT',
    what: 'LAION\u2019s aesthetic predictor v1, on CLIP ViT-L/14',
  },
  'aesthetic-v2': {
    file: 'sac+logos+ava1-l14-linearMSE.pth',
    url: 'https://raw.githubusercontent.com/christophschuhmann/improved-aesthetic-predictor/main/sac%2Blogos%2Bava1-l14-linearMSE.pth',
    sha256: '21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0',
    author: 'Christoph Schuhmann',
    license: 'Apache-2.0',
    what: 'LAION\u2019s aesthetic predictor v2, on CLIP ViT-L/14',
  },
} as const satisfies Record<string, PublishedFile>;

export type WeightsName = keyof typeof WEIGHTS;

/** Where `fetch` puts files and commands look for them. */
export const WEIGHTS_FOLDER = path.join(workspaceRoot, '.cache', 'weights');

/** @throws MetricsError unknown-weights, listing the known ones */
export function weightsName(name: string): WeightsName {
  if (!Object.hasOwn(WEIGHTS, name))
    throw new MetricsError('unknown-weights', `there are no weights "${name}"; there are ${Object.keys(WEIGHTS).join(', ')}`, { name });
  return name as WeightsName;
}
