/**
 * A model of pictures of its own, without any base: pictures become codes, and the codes are drawn one after the other under a condition.
 * It stands among an experiment's arms where others have a method of control.
 */
export interface CodeModel {
  readonly kind: 'code-model';
  /** a-z, 0-9 and "-". */
  readonly id: string;
  readonly label: string;
  /** What distinguishes it, for a report: a phrase. */
  readonly description: string;
  /** Every choice that decides what is trained, as JSON: part of a training's identity. */
  readonly config: Readonly<Record<string, unknown>> & {
    /** Steps of the first stage for each of the second. */
    readonly firstStage: number;
  };
  /** Codes are drawn from the likeliest so many, their logits divided by the temperature. */
  readonly drawing: DrawnCodes;
}

export interface DrawnCodes {
  readonly topK: number;
  readonly temperature: number;
}

/** Those of taming-transformers' scripts for conditional samples. */
const DRAWING: DrawnCodes = { topK: 100, temperature: 1 };

/**
 * VQGAN's two stages at the embedded default's size, without its perceptual and adversarial losses: a vector-quantised autoencoder, and an
 * autoregressive transformer over its codes behind an embedded condition. Source: Esser et al. 2021.
 * @param choices.firstStage see `CodeModel`; with 8 the autoencoder sees half as many pictures as the embedded default's did
 */
export const vqTransformer = ({ firstStage = 8 }: { readonly firstStage?: number } = {}): CodeModel => ({
  kind: 'code-model',
  id: 'vq-transformer',
  label: 'VQ transformer',
  description: 'VQGAN without its discriminator: codes of a vector-quantised autoencoder, drawn one by one by a transformer, from scratch',
  config: { firstStage },
  drawing: DRAWING,
});
