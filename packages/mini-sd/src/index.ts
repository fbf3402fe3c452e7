export { MiniSdError, type MiniSdErrorCode } from './errors.ts';
export { MINI_CONTROLNET } from './control.ts';
export type { AestheticScorer } from './aesthetic.ts';
export { decode, encode, normaliseLatents, type LatentStatistics } from './autoencoder.ts';
export type { ClipScorer } from './clip-score.ts';
export { MiniClip, miniText } from './clip.ts';
export { SUBGROUPS } from './inception.ts';
export type { Judge, Verdict } from './judge.ts';
export { openJudges, type Judges } from './open-judges.ts';
export { encodeScenes, readLatents, writeLatents } from './latents.ts';
export { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, MINI_SCHEDULE, MINI_UNET, miniUNet, miniVae, TEXT_WIDTH } from './models.ts';
export { loadAesthetic, loadClip, loadInception, loadSegmenter, type LoadedNetwork } from './networks.ts';
export { openBase } from './open-base.ts';
export { openMini } from './open-mini.ts';
export { fromImages } from './pixels.ts';
export {
  controlledPrediction,
  createSampler,
  loadBaseModel,
  sampleInBatches,
  type BaseModel,
  type ControlModule,
  type Sampler,
  type SampleRequest,
} from './sampler.ts';
export { COMMITTED_TIER, communityStyles, type CommunityStyle } from './names.ts';
export type { Segmenter } from './segment.ts';
export { loadWeights, saveWeights, weightsFile, type Part } from './weights.ts';
export type { LatentBatchData, LatentPhase } from './batches/latent.ts';
/** Module of the denoising batches, for startBatchWorker; takes a LatentBatchData. */
export const latentBatches = new URL('./batches/latent.ts', import.meta.url);
