import { describe, expect, it } from 'vitest';
import type { RgbImage } from '@controllab/data';
import { vocabulary } from '@controllab/emoji-scenes';
import type { CircleExample } from '@controllab/fill50k';
import type { Measured } from '../compute/judging/measured.ts';
import { bothColours, circleColour, circleIou, groundColour, misplacedColour } from './circle-measures.ts';
import { openComparedData } from './open-data.ts';

const SIZE = 64;
const on = { base: { pixels: SIZE }, style: 'openmoji' } as const;
const { examples } = await (await openComparedData('fill50k', on)).evaluation({ singles: 12, pairs: 0 });
const circles = examples as readonly CircleExample[];

type Rgb = readonly [number, number, number];

/** A picture of a circle, in pixels. */
function disc([cx, cy, radius]: Rgb, inside: Rgb, outside: Rgb): RgbImage {
  const rgb = new Uint8Array(3 * SIZE * SIZE);
  for (let p = 0; p < SIZE * SIZE; p++)
    rgb.set(Math.hypot((p % SIZE) + 0.5 - cx, Math.floor(p / SIZE) + 0.5 - cy) <= radius ? inside : outside, 3 * p);
  return { rgb, width: SIZE, height: SIZE };
}
const given: CircleExample = { ...circles[0]!, spec: { colour: 'red', background: 'blue', x: 0.5, y: 0.5, radius: 0.25 } };
const { red, blue, green, white } = given.palette as Record<string, Rgb>;

describe('the circle', () => {
  it('is wholly found in the data’s own pictures, whichever colours it has', () => {
    for (const example of circles) expect(circleIou(example.image, example)).toBe(1);
    expect(circleIou(disc([32, 32, 16], green!, white!), given)).toBe(1);
  });

  it('counts for the area that it shares with the one that was asked for', () => {
    // Half the radius: a quarter of the area, but then the median within the outline is the background's, and nothing is found.
    expect(circleIou(disc([32, 32, 8], red!, blue!), given)).toBe(0);
    expect(circleIou(disc([32, 32, 12], red!, blue!), given)).toBeCloseTo(9 / 16, 1);
    expect(circleIou(disc([32, 32, 20], red!, blue!), given)).toBeCloseTo(16 / 25, 1);
    expect(circleIou(disc([8, 8, 6], red!, blue!), given)).toBe(0);
  });

  it('is not found where there is one colour alone', () => {
    expect(circleIou(disc([32, 32, 0], red!, red!), given)).toBe(0);
  });
});

describe('its colours', () => {
  const measured = (image: RgbImage, example = given): Measured => ({ images: [image], examples: [example] }) as unknown as Measured;

  it('are those that the caption names, each by itself', async () => {
    const swapped = measured(disc([32, 32, 16], blue!, red!));
    const half = measured(disc([32, 32, 16], red!, white!));
    const right = measured(disc([32, 32, 16], red!, blue!));
    expect([await circleColour.of(right), await groundColour.of(right), await bothColours.of(right)]).toEqual([[0], [0], [1]]);
    // CIELAB of (200, 60, 60) is 46.77, 55.09, 32.32 and of (80, 130, 220) 54.90, 11.31, -51.05.
    const apart = Math.hypot(46.77 - 54.9, 55.09 - 11.31, 32.32 + 51.05);
    expect((await circleColour.of(swapped))[0]).toBeCloseTo(apart, 1);
    expect((await groundColour.of(swapped))[0]).toBeCloseTo(apart, 1);
    expect([await misplacedColour.of(swapped), await misplacedColour.of(half), await misplacedColour.of(right)]).toEqual([[1], [0], [0]]);
    expect(await circleColour.of(half)).toEqual([0]);
    expect(await bothColours.of(half)).toEqual([0]);
  });

  it('may be off by less than the distance to another name', async () => {
    const paler: Rgb = [210, 80, 80];
    const shown = measured(disc([32, 32, 16], paler, blue!));
    expect(await bothColours.of(shown)).toEqual([1]);
    expect((await circleColour.of(shown))[0]).toBeGreaterThan(2.3);
  });

  it('are not asked of other scenes', async () => {
    const scenes = (await (await openComparedData('emoji-scenes', on)).evaluation({ singles: 1, pairs: 0 })).examples;
    await expect(circleColour.of({ images: [], examples: scenes } as unknown as Measured)).rejects.toThrow(/not of fill50k/);
  });
});

describe('circles as a comparison’s data', () => {
  it('hold out others than are trained on, in the same colours', async () => {
    const { dataset, evaluation } = await openComparedData('fill50k', on);
    const { palette } = (await dataset.example(0)) as CircleExample;
    expect(Object.keys(palette)).toEqual(Object.keys(given.palette));
    expect((await dataset.example(0)).image).not.toEqual(circles[0]!.image);
    const behind = await evaluation({ singles: 6, pairs: 0 }, 1);
    expect(behind.examples[0]!.image).toEqual(circles[6]!.image);
    await expect(evaluation({ singles: 1, pairs: 1 })).rejects.toThrow(/a picture has one circle/);
  });

  it('are the same pictures under names that the base never read', async () => {
    const unread = await (await openComparedData('fill50k-unread', on)).evaluation({ singles: 12, pairs: 0 });
    const told = await (await openComparedData('fill50k-sentence', on)).evaluation({ singles: 1, pairs: 0 });
    expect(told.examples[0]!.captions['caption']).toMatch(/^an? \w+ circle on an? \w+ background$/);
    const words = new Set(vocabulary('full').words);
    for (const [i, { image, captions }] of unread.examples.entries()) {
      expect(image).toEqual(circles[i]!.image);
      const [colour, , , background] = captions['caption']!.split(' ');
      expect([words.has(colour!), words.has(background!)]).toEqual([false, false]);
      expect(words.has(circles[i]!.spec.colour)).toBe(true);
    }
  });
});
