import { createHash } from 'node:crypto';
import colorName from 'color-name';
import { describe, expect, it } from 'vitest';
import { openDataset } from '@controllab/data';
import { COLOURS, colourOf } from './colours.ts';
import { fill50k } from './dataset.ts';

describe('fill50k', () => {
  it('is circles of one colour on another, with outlines', async () => {
    const dataset = fill50k({ size: 64 });
    expect([dataset.length, dataset.conditions]).toEqual([50_000, ['source', 'canny']]);
    for (let i = 0; i < 50; i++) {
      const { image, captions, condition, spec } = await dataset.example(i);
      expect(captions.caption).toBe(`${spec.colour} circle with ${spec.background} background`);
      expect(spec.colour).not.toBe(spec.background);
      const at = (rgb: Uint8Array, x: number, y: number) => [...rgb.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3)];
      const [cx, cy, r] = [spec.x * 64, spec.y * 64, spec.radius * 64];
      expect(at(image.rgb, Math.floor(cx), Math.floor(cy))).toEqual(colourOf(spec.colour));
      // A corner of the square around the circle is never the circle's.
      expect(at(image.rgb, Math.floor(cx - r), Math.floor(cy - r))).toEqual(colourOf(spec.background));
      const filled = count(image.rgb, colourOf(spec.colour));
      expect(Math.abs(filled - Math.PI * r * r)).toBeLessThan(4 * r + 4);
      const outline = condition('source').rgb;
      expect(at(outline, Math.floor(cx), Math.floor(cy))).toEqual([0, 0, 0]);
      // A line of one pixel along the circumference.
      expect(Math.abs(count(outline, [255, 255, 255]) - 2 * Math.PI * r)).toBeLessThan(10);
    }
  });

  it('is the same whoever opens it, and nests', async () => {
    const dataset = fill50k({ size: 32, length: 10, seed: 3 });
    const again = await openDataset(JSON.parse(JSON.stringify(dataset.reference)) as typeof dataset.reference);
    expect(again.hash).toBe(dataset.hash);
    expect((await again.example(7)).image).toEqual((await fill50k({ size: 32, seed: 3 }).example(7)).image);
    expect(fill50k({ size: 32 }).hash).not.toBe(dataset.hash);
    // Whatever is trained on it depends on these bytes: a change has to be meant, and REVISION raised.
    const { image, captions } = await fill50k({ size: 64 }).example(0);
    expect([captions.caption, createHash('sha256').update(image.rgb).digest('hex').slice(0, 16)]).toMatchInlineSnapshot(`
      [
        "coral circle with floral white background",
        "c7d5512cc73149ef",
      ]
    `);
  });

  it('takes a palette of its own, whose order decides', async () => {
    const palette = { red: [200, 60, 60], blue: [80, 130, 220], white: [245, 245, 245] } as const;
    const dataset = fill50k({ size: 32, palette });
    const again = await openDataset(JSON.parse(JSON.stringify(dataset.reference)) as typeof dataset.reference);
    expect(again.hash).toBe(dataset.hash);
    const { red, blue, white } = palette;
    const hashes = [fill50k({ size: 32 }), dataset, fill50k({ size: 32, palette: { blue, red, white } })].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(3);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const { image, captions, spec } = await again.example(i).then((example) => example as Awaited<ReturnType<typeof dataset.example>>);
      expect(captions.caption).toMatch(/^(red|blue|white) circle with (red|blue|white) background$/);
      seen.add(captions.caption);
      expect(count(image.rgb, palette[spec.colour as keyof typeof palette])).toBeGreaterThan(10);
      expect(count(image.rgb, palette[spec.colour as 'red']) + count(image.rgb, palette[spec.background as 'red'])).toBe(32 * 32);
    }
    expect(seen.size).toBe(6);
    expect(() => fill50k({ palette: { red } })).toThrow(/a palette has two colours or more, got 1/);
    expect(() => fill50k({ palette: { red, odd: [0, 0.5, 256] } })).toThrow(/from 0 to 255 for "odd", got 0, 0.5, 256/);
  });

  it('says the same in a sentence', async () => {
    const [tutorial, sentence] = [fill50k({ size: 16 }), fill50k({ size: 16, wording: 'sentence' })];
    expect(sentence.hash).not.toBe(tutorial.hash);
    const again = await openDataset(JSON.parse(JSON.stringify(sentence.reference)) as typeof sentence.reference);
    expect(again.hash).toBe(sentence.hash);
    expect((await again.example(0)).image).toEqual((await tutorial.example(0)).image);
    expect((await again.example(0)).captions['caption']).toBe('a coral circle on a floral white background');
    expect(() => fill50k({ wording: 'poem' as 'sentence' })).toThrow(/wording is one of tutorial, sentence, got poem/);
  });

  it('refuses what there is not, by name', async () => {
    for (const wrong of [{ size: 8 }, { size: 16.5 }, { seed: -1 }, { length: 0 }])
      expect(() => fill50k(wrong)).toThrow(/fill50k: \w+ must be a whole number from/);
    await expect(fill50k({ length: 2 }).example(2)).rejects.toThrow(/expected an example's number from 0 to 1, got 2/);
    const example = await fill50k({ size: 16 }).example(0);
    expect(() => example.condition('depth')).toThrow(/fill50k has no condition "depth"; it has source and canny/);
  });
});

describe('COLOURS', () => {
  it("are CSS's, each colour once", () => {
    const known = new Set(Object.values(colorName).map(String));
    expect(new Set(COLOURS.map((name) => String(colourOf(name)))).size).toBe(COLOURS.length);
    expect(COLOURS).toHaveLength(known.size);
    expect(COLOURS).toEqual(expect.arrayContaining(['pale golden rod', 'old lace']));
    expect(colourOf('pale golden rod')).toEqual([238, 232, 170]);
    expect(colourOf('old lace')).toEqual([253, 245, 230]);
  });
});

function count(rgb: Uint8Array, [red, green, blue]: readonly [number, number, number]): number {
  let found = 0;
  for (let i = 0; i < rgb.length; i += 3) if (rgb[i] === red && rgb[i + 1] === green && rgb[i + 2] === blue) found++;
  return found;
}
