export { allocateCanny, canny, type CannyOptions, type CannyScratch } from './conditions/canny.ts';
export { cacheDirectory } from './cache/cache-directory.ts';
export { cachedBytes, type CheckedBytes } from './cache/cached-bytes.ts';
export { canonicalJson, jsonDifference, jsonHash, plainJson, type Json } from './canonical-json.ts';
export { matchCaptions, readCaptions, type Captions } from './captions.ts';
export { checkOutput, FOLDER_PROBE } from './check-output.ts';
export { CONTACT_SHEET } from './contact-sheet.ts';
export { csvText, parseCsv, type CsvRow } from './csv.ts';
export { checkIndex } from './datasets/check-index.ts';
export { openDataset, type Dataset, type DatasetReference, type Example } from './dataset.ts';
export { DataError, type DataErrorCode } from './errors.ts';
export { crc32 } from './crc32.ts';
export { firstExamples } from './datasets/first-examples.ts';
export { greyImage } from './images/grey-image.ts';
export type { RgbImage } from './images/image.ts';
export { decodedBytes, decodeImage, imageSize, pixelHash, type DecodedImage, type DecodeOptions } from './images/decode.ts';
export { CONVERSIONS, type Conversion } from './images/formats/opened-image.ts';
export { openImageSource, type ImageEntry, type ImageSource, type ImageSourceOptions } from './image-sources/image-source.ts';
export { interpolate, type SampleGrid } from './images/interpolate.ts';
export { comparedName, stemOf } from './image-sources/names.ts';
export { unpackedEntry } from './image-sources/zip/zip-entry.ts';
export { Skipped } from './image-sources/skipped.ts';
export {
  FORMER_REPORT_FILE,
  FORMER_REPORT_RESULTS,
  parseReportManifest,
  REPORT_MANIFEST,
  reportManifest,
  type OwnFiles,
} from './reports.ts';
export { resample, resampleToFloat, type RasterSize, type ResampleFilter } from './images/resample.ts';
export { conditionBatch, imageBatch, toImages, writeCondition, writeImage } from './images/planar.ts';
export { heldText, isLockFile, Lock, ownerText, type Held } from './lock/lock.ts';
export { type Owner } from './lock/owner.ts';
export { scratchFolder } from './lock/scratch-folder.ts';
export { slurmJob } from './lock/slurm-job.ts';
export { plainLines, plainText } from './plain-text.ts';
export { fillNormal, normal, permutation, randomBits, randomInt, uniform } from './random.ts';
export { fileHash, sha256 } from './sha256.ts';
export { isDiskFull, systemProblem } from './system-problem.ts';
export { decodeText } from './text.ts';
export { TRAINING_FILE, TRAINING_FORMAT } from './trainings.ts';
export { unfinished, writeAtomic } from './write-atomic.ts';
export { aspectBuckets, nearestBucket, type PictureSize } from './user-data/aspect-buckets.ts';
export type { UserDataOptions } from './user-data/options.ts';
export { DATA_FORMATS, type DataFormat } from './user-data/rows.ts';
export { NO_COLUMN, type Columns } from './user-data/tables/columns.ts';
export { openUserData, type RowProblem, type UserData, type UserExample } from './user-data/user-data.ts';
export { writeOrKeep } from './write-or-keep.ts';
