export { DEGRADATION_NAMES, degrade, drawLadder, type DegradationLadder, type DegradationName } from './aesthetic/degradations.ts';
export { aestheticHead, readAestheticHead, type AestheticHead } from './aesthetic/head.ts';
export { rankingLoss } from './aesthetic/ranking-loss.ts';
export { aestheticScore, affine, type AestheticScore } from './aesthetic/score.ts';
export { CLIP_MODELS, clipModelName, type ClipModelName } from './clip/models.ts';
export { onnxImageTower, onnxTextTower } from './clip/onnx-towers.ts';
export { clipPreprocess } from './clip/preprocess.ts';
export { clipImageTower, clipTextTower, openClip, type ClipWeights, type TowerOptions } from './clip/safetensors-towers.ts';
export { CLIP_MEASURES, clipMeasure, clipScore, cosines, type ClipMeasure, type ClipScore } from './clip/score.ts';
export { CLIP_CONTEXT, captionTokenizer, readCaptionTokenizer, type CaptionTokenizer, type TokenizedCaptions } from './clip/tokenizer.ts';
export { embedCaptions, type ClipTowers, type TextTower } from './clip/towers.ts';
export type { Raster, SampleRange } from './fidelity/check.ts';
export { cielab, colourDifference } from './fidelity/colour-difference.ts';
export { alignedDepthRmse, depthRmse, depthToBytes } from './fidelity/depth.ts';
export { edgeF1, type EdgeAgreement, type EdgeTolerance } from './fidelity/edge-f1.ts';
export { maskIou } from './fidelity/mask-iou.ts';
export { psnr } from './fidelity/psnr.ts';
export {
  SegmentationCounts,
  segmentationAgreement,
  type LabelMaps,
  type SegmentationAgreement,
  type SegmentationOptions,
} from './fidelity/segmentation.ts';
export { msSsim, ssim } from './fidelity/ssim.ts';
export { cmmd } from './distribution/cmmd.ts';
export { kernelInceptionDistance } from './distribution/kernel-inception-distance.ts';
export type { KernelDistance } from './distribution/kernel-sums.ts';
export { linearDiscriminant, type LinearDiscriminant } from './distribution/linear-discriminant.ts';
export { mind, type Mind, type MindOptions } from './distribution/mind.ts';
export {
  densityCoverage,
  neighbourhoodOverlap,
  precisionRecall,
  type DensityCoverage,
  type NeighbourCounts,
  type PrecisionRecall,
} from './distribution/neighbourhoods.ts';
export { pairedTwoSampleTest, type PairedTwoSampleTest, type ToldApart } from './distribution/two-sample/paired-two-sample-test.ts';
export { twoSampleTest, type Rater, type TwoSampleTest } from './distribution/two-sample/two-sample-test.ts';
export { MetricsError, type MetricsErrorCode } from './errors.ts';
export { checkFeatures, type Features } from './features/feature-vectors.ts';
export {
  StatisticsAccumulator,
  covariance,
  gatherStatistics,
  mergeStatistics,
  type FeatureStatistics,
  type GatheredStatistics,
} from './frechet/feature-statistics.ts';
export { frechetDistance, type FactorMethod, type FrechetDistance, type FrechetSide } from './frechet/frechet-distance.ts';
export { frechetDifference, frechetEstimate, type FrechetEstimate } from './frechet/frechet-estimate.ts';
export { EMPTY_IMAGE_SET, imageSetOf, uniteImageSets, type ImageSet } from './frechet/image-set.ts';
export { PROVENANCE_FIELDS, checkSameProvenance, type FeatureProvenance } from './frechet/provenance.ts';
export { openStatistics } from './statistics-files/open-statistics.ts';
export { readStatistics, writeStatistics } from './statistics-files/statistics-file.ts';
export { evaluate, provenanceOf, statisticsOf, type Evaluation, type Networks } from './evaluate/evaluate.ts';
export type { CannyThresholds, MapMetric, MapPair, Metric, MetricInputs, Need, ReadMap, SetMetric } from './evaluate/metric.ts';
export { evaluationReport } from './evaluate/evaluation-report.ts';
export { METRICS, type MetricName } from './evaluate/metric-table.ts';
export { checkQuestion, type Asked, type Question } from './evaluate/question.ts';
export { quoted, type ImageScores, type Score, type Scores } from './evaluate/score.ts';
export { FeatureCollector, extractFeatures } from './features/feature-collector.ts';
export type { FeatureExtractor, Preprocess } from './features/feature-extractor.ts';
export { inceptionExtractor, type InceptionExtractor } from './inception/extractor.ts';
export { inceptionScore, type InceptionScore } from './inception/inception-score.ts';
export { FidInception } from './inception/network.ts';
export { readInceptionWeights, type InceptionWeights } from './inception/weights.ts';
export { ONNX_INPUTS, onnxExtractor, type OnnxExtractorOptions, type OnnxInput } from './features/onnx-extractor.ts';
export { PRESETS, inceptionPreprocess, type PresetName } from './inception/presets.ts';
// Sets of images, which the functions above take, are read by the data package.
export { decodeImage, openImageSource, type DecodedImage, type ImageEntry, type ImageSource } from '@controllab/data';
