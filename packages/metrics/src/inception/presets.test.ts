import { describe, expect, it } from 'vitest';
import { PRESETS, inceptionPreprocess, type PresetName } from './presets.ts';

/** A picture that wraps around at 256. */
function picture(width: number, height: number) {
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [k, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (y * 53 + x * 97 + k * 31 + x * y * 7) % 256;
  });
  return { rgb, width, height };
}

const PLANE = 299 * 299;
/** Corners and some places in between, of all three planes. */
const PLACES = [0, 298, 299 * 150 + 77, PLANE - 1, PLANE + 12345, 2 * PLANE + 54321, 3 * PLANE - 1];

/**
 * Made once with torch 1.13 and Pillow 9.4 from the same picture:
 * pytorch-fid  2 * F.interpolate(t / 255, (299, 299), mode='bilinear', align_corners=False) - 1
 * clean        (stack of Image.fromarray(channel as float32, 'F').resize((299, 299), BICUBIC), clipped to 0..255, - 128) / 128
 * tf1          float32 numpy: s = in / out, lo = floor(i * s), hi = min(lo + 1, in - 1), rows after columns
 * torchmetrics (F.interpolate((t / 255 * 255).byte().float(), (299, 299), mode='bilinear', align_corners=False, antialias=True) - 128) /
 * 128 with the values at PLACES (torch rounds positions in float32: 4e-5 at most over all values; the other two agree to the last bits),
 * their sum, and the sum of value i times sin(0.7 i).
 */
const GOLDEN: [PresetName, number, number, number[], number, number][] = [
  ['pytorch-fid', 64, 48, [-1, 0.7490196, 0.3135563, 0.1372551, -0.4861241, -0.05105686, 0.6235296], 999.316868, -2.443856],
  ['clean', 64, 48, [-1, 0.8447556, 0.3845423, 0.01311195, -0.589431, -0.01522237, 0.753374], -64.286541, 2.30543],
  ['tf1', 64, 48, [-1, 0.7421875, 0.04141212, 0.1328125, 0.06842685, 0.28562, 0.6171875], 95.201664, 4.25001],
  ['torchmetrics', 64, 48, [-1, 0.7421875, 0.3084255, 0.1328125, -0.4881309, -0.05476308, 0.6171875], -52.260174, -2.434169],
  ['pytorch-fid', 500, 371, [-0.6920139, -0.3094488, -0.08601326, -0.3159493, -0.6496284, 0.1611325, 0.08906674], 1027.141577, -262.924454],
  ['clean', 500, 371, [-0.6108183, -0.1790746, -0.0307253, -0.1929001, -0.3338246, 0.3260761, 0.09796941], 30.122296, -253.556091],
  ['tf1', 500, 371, [-1, -0.01655078, -0.2837943, 0.06249428, -0.63462, 0.2573837, 0.2231135], 166.041794, -136.928285],
  ['torchmetrics', 500, 371, [-0.564816, -0.1187777, -0.03551644, -0.1851565, -0.2922376, 0.3043681, 0.09024513], 24.440363, -189.976818],
];

describe('presets', () => {
  it.each(GOLDEN)('%s of %i x %i pixels', (name, width, height, values, sum, weighted) => {
    const got = inceptionPreprocess(name).apply(picture(width, height));
    expect(got).toHaveLength(3 * PLANE);
    PLACES.forEach((place, i) => expect(got[place]).toBeCloseTo(values[i]!, 4));
    expect(got.reduce((a, b) => a + b, 0)).toBeCloseTo(sum, 1);
    expect(got.reduce((a, b, i) => a + b * Math.sin(0.7 * i), 0)).toBeCloseTo(weighted, 1);
  });

  it('leaves an image of 299 pixels as it is, but for the range', () => {
    const image = picture(299, 299);
    for (const name of Object.keys(PRESETS)) {
      const got = inceptionPreprocess(name).apply(image);
      for (const place of PLACES) {
        const byte = image.rgb[(place % PLANE) * 3 + Math.floor(place / PLANE)]!;
        expect(got[place]).toBeCloseTo(name === 'pytorch-fid' ? (2 * byte) / 255 - 1 : (byte - 128) / 128, 6);
      }
    }
  });

  it('a byte survives torchmetrics\u2019 way over floats', () => {
    for (let byte = 0; byte < 256; byte++) expect(Math.trunc(Math.fround(Math.fround(byte / 255) * 255))).toBe(byte);
  });

  it('lists the presets there are for a name that is none', () => {
    expect(() => inceptionPreprocess('cleen')).toThrow('there is no preset "cleen"; there are pytorch-fid, clean, tf1, torchmetrics');
  });
});
