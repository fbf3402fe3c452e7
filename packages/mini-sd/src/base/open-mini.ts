import { imageDenoiser, runOnce, type Base } from '@controllab/base-model';
import { weighEmbeddings } from '@controllab/base-model/token-weights';
import { UNet2DConditionModel, withParameters, type TextEncoder, type UNet2DConditionConfig } from '@controllab/core-blocks';
import { jsonHash } from '@controllab/data';
import { NoiseSchedule } from '@controllab/diffusion';
import { CONTEXT_LENGTH, vocabulary, type Tier } from '@controllab/emoji-scenes';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { compileDecoder, normaliseLatents, PATCH, posteriorMeans, tracedEncoder } from '../networks/autoencoder.ts';
import { miniText } from '../networks/clip.ts';
import {
  IMAGE_SIZE,
  LATENT_CHANNELS,
  LATENT_SIZE,
  MINI_SCHEDULE,
  MINI_UNET,
  miniUNet,
  miniVae,
  LATENT_LIMIT,
  unetOfWidth,
} from '../networks/models.ts';
import { COMMITTED_TIER, MEMBERS, MINI, type CommunityStyle, type Member } from '../names.ts';
import { checksum, loadTextEncoder } from '../load-networks.ts';
import { styleAdapter } from './styles.ts';
import openTokenizer, { tokenizerReference } from './tokenizer.ts';
import { loadWeights, readStatistics } from '../weights.ts';

const SETTING = { family: 'mini', factor: PATCH, latent: { height: LATENT_SIZE, width: LATENT_SIZE }, tokens: CONTEXT_LENGTH };

const prefixed = (prefix: string, weights: Record<string, HostTensor>): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${prefix}.${name}`, tensor]));

/** The frozen weights of a tier, of a community model with its adapter merged into the U-Net, and the checksums of their files. */
function loadMini(tier: Tier, style: CommunityStyle | undefined) {
  const vae = loadWeights('vae', tier, miniVae());
  const text = loadTextEncoder(tier);
  const unet = loadWeights('unet', tier, { unet: miniUNet() });
  const adapter = style === undefined ? null : { lora: styleAdapter(), weights: loadWeights(`style-${style}`, tier, styleAdapter()) };
  return {
    vae: vae.tensors,
    statistics: readStatistics(vae.metadata),
    text: text.tensors,
    unet: adapter === null ? unet.tensors : adapter.lora.merge(unet.tensors, adapter.weights.tensors),
    hashes: {
      vae: checksum(vae),
      clip: text.hash,
      unet: adapter === null ? checksum(unet) : `${checksum(unet)}+${checksum(adapter.weights)}`,
    },
  };
}

/**
 * The embedded default with another U-Net, of `unetOfWidth`, say.
 * @param weights under `unet.`; none where it is only to be trained
 */
export function withUNet(
  base: Base,
  { config, weights, hash }: { config: UNet2DConditionConfig; weights: Record<string, HostTensor>; hash: string },
): Base {
  const others = Object.entries(base.weights).filter(([name]) => !name.startsWith('unet.'));
  const { latentEncoder } = base.denoiser();
  return {
    ...base,
    hash: jsonHash({ of: base.hash, unet: hash }),
    hashes: { ...base.hashes, unet: hash },
    weights: { ...Object.fromEntries(others), ...weights },
    denoiser: (options) => imageDenoiser(config, { ...SETTING, ...(latentEncoder === undefined ? {} : { latentEncoder }), ...options }),
  };
}

/** Opens a smaller U-Net beside the embedded default's text encoder and autoencoder. @throws MiniSdError missing-weights */
export function openMember(name: Member): Base {
  const config = unetOfWidth(MEMBERS[name]);
  const stored = loadWeights(name, COMMITTED_TIER, { unet: new UNet2DConditionModel(config) });
  const base = withUNet(openMini(), { config, weights: stored.tensors, hash: checksum(stored) });
  return { ...base, id: name, label: `embedded default with a U-Net of ${MEMBERS[name]} channels` };
}

function miniTextEncoder(vocabularySize: number): TextEncoder {
  const module = miniText(vocabularySize);
  return {
    module,
    inputs: (batch) => ({ ids: { shape: [batch, CONTEXT_LENGTH], dtype: 'int32' } }),
    encode: (t) => ({ context: module.forward(t['ids']!) }),
  };
}

/**
 * Opens the embedded default: its small U-Net, text encoder and autoencoder over a tier's objects, or a community model of it.
 * @throws MiniSdError missing-weights
 */
export function openMini({ tier = COMMITTED_TIER, style }: { tier?: Tier; style?: CommunityStyle } = {}): Base {
  const { vae, statistics, text, unet, hashes } = loadMini(tier, style);
  const vocabularySize = vocabulary(tier).words.length;
  const prediction = 'v';
  const sampling = { prediction, spacing: 'trailing', clipSample: LATENT_LIMIT } as const;
  const tokenize = openTokenizer({ tier });
  const base: Base = {
    id: [MINI, ...(tier === COMMITTED_TIER ? [] : [tier]), ...(style === undefined ? [] : [style])].join(':'),
    label: `embedded default${style === undefined ? '' : `, drawn like ${style}`}`,
    hash: jsonHash({ hashes, schedule: { ...MINI_SCHEDULE }, sampling: { ...sampling } }),
    hashes,
    weights: { ...unet, ...text, ...prefixed('vae', vae) },
    schedule: new NoiseSchedule(MINI_SCHEDULE),
    prediction,
    sampling,
    pixels: IMAGE_SIZE,
    latentChannels: LATENT_CHANNELS,
    factor: PATCH,
    denoiser: (options) => imageDenoiser(MINI_UNET, { ...SETTING, latentEncoder: tracedEncoder(statistics), ...options }),
    fixedInputs: () => ({}),
    textEncoder: () => miniTextEncoder(vocabularySize),
    tokenizer: tokenizerReference(tier),
    tokenize,
    encodePrompts: async (prompts, engine, options) => (await runOnce(base.promptEncoder(prompts.length, engine, options), [prompts]))[0]!,
    async promptEncoder(count, engine, { say } = {}) {
      const encoder = miniTextEncoder(vocabularySize);
      const network = await compile(
        ({ inputs, constants }) => withParameters({ text: encoder.module }, constants, () => ({ outputs: encoder.encode(inputs) })),
        { inputs: encoder.inputs(count), constants: text },
        { ...engine, name: 'text encoder' },
      );
      return {
        async run(lists) {
          const encoded: Record<string, HostTensor>[] = [];
          for (const prompts of lists) {
            const tokens = base.tokenize(
              prompts.map((prompt) => prompt ?? ''),
              say,
            );
            const { context } = await network.run({ ids: tokens['ids']! });
            encoded.push({ context: weighEmbeddings(context!, tokens, 'ids') });
          }
          return encoded;
        },
        release: () => network.release(),
      };
    },
    encode: async (images, engine) => normaliseLatents(await posteriorMeans(vae, images, engine), statistics, 'forward'),
    decode: (latents, engine) => runOnce(base.decoder(latents.shape, engine), latents),
    decoder: (shape, engine) => compileDecoder(vae, statistics, shape, engine),
  };
  return base;
}
