// What a stranger's archive may cost before it is refused.

/** Of one file in an archive, unpacked. */
export const MAX_ENTRY_BYTES = 512 * 2 ** 20;

/** Files in an archive: LAION-2B's shards hold ten thousand, ImageNet has 1.3 million. */
export const MAX_ENTRIES = 10_000_000;

/**
 * Unpacked over packed size of a file in a zip, or of a packed tar: images hardly shrink, even uncompressed ones rarely by more than 100.
 */
export const MAX_RATIO = 200;

/** From this unpacked size on the ratio counts: small files of one colour do shrink a lot. */
export const RATIO_FROM_BYTES = 16 * 2 ** 20;

/** Of a caption in a webdataset. */
export const MAX_CAPTION_BYTES = 64 * 2 ** 10;

/** Of all captions of a webdataset: they are held while it is read. */
export const MAX_CAPTIONS_BYTES = 512 * 2 ** 20;

/** Of a file that is one caption: nobody means to write more. */
export const MAX_CAPTION_FILE_BYTES = 64 * 2 ** 20;
