type Triple = readonly [number, number, number];

/** Tristimulus values of the D65 white that sRGB is defined with (IEC 61966-2-1). */
const WHITE: Triple = [0.95047, 1, 1.08883];

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

const EPSILON = (6 / 29) ** 3;
const cubeRoot = (t: number): number => (t > EPSILON ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);

/** CIELAB of an sRGB colour of 0 to 255, under D65: L* from 0 to 100, a* and b*. */
export function cielab(rgb: Triple): [number, number, number] {
  const [r, g, b] = rgb.map((value) => linear(value / 255)) as [number, number, number];
  const [x, y, z] = [
    0.4124564 * r + 0.3575761 * g + 0.1804375 * b,
    0.2126729 * r + 0.7151522 * g + 0.072175 * b,
    0.0193339 * r + 0.119192 * g + 0.9503041 * b,
  ].map((value, i) => cubeRoot(value / WHITE[i]!)) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/**
 * How far two sRGB colours of 0 to 255 are apart: their distance in CIELAB (delta E*ab of CIE 1976). 2.3 is just noticeable, black and
 * white are 100 apart.
 */
export function colourDifference(a: Triple, b: Triple): number {
  const [one, other] = [cielab(a), cielab(b)];
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}
