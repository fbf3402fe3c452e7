/** An image file whose header was read. */
export interface OpenedImage {
  /** As stored. */
  readonly width: number;
  readonly height: number;
  /** Most that `decode` gives a pixel. */
  readonly channels: number;
  /** EXIF's, of how it is to be shown; 1 where there is none. */
  readonly orientation: number;
  /** Whether its orientation is part of the picture, as Pillow has it for TIFF. */
  readonly turns?: boolean;
  /** @throws Error for what is damaged or cut short */
  decode(): Promise<Pixels> | Pixels;
}

/** What a decoder gives: bytes [H, W, channels] of grey, grey and alpha, RGB, RGB and alpha, or inverted CMYK. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly channels: number;
  readonly conversions: readonly Conversion[];
}

/**
 * What was done to an image that is not plain 8-bit RGB. The reference implementations all read with Pillow's `convert('RGB')`, so
 * this does what that does, bit for bit, except for 16-bit grey, which Pillow turns white.
 */
export const CONVERSIONS = {
  alpha: 'transparency dropped, the colours below it kept as stored',
  grey: 'the one channel repeated',
  cmyk: 'converted without a colour profile',
  'deep-colour': '16 bits cut to the upper 8 (of a PPM, brought to the nearest)',
  frames: 'the first frame taken',
  orientation: 'the EXIF orientation left out of account',
  profile: 'the colour profile left out of account',
} as const;
export type Conversion = keyof typeof CONVERSIONS;

/** The names of those that apply, in the order above. */
export const those = (conversions: Partial<Record<Conversion, boolean>>): Conversion[] =>
  (Object.keys(CONVERSIONS) as Conversion[]).filter((name) => conversions[name]);
