import { expect, test } from 'vitest';
import { catalogue } from '../catalogue/catalogue.ts';
import { conditionImage } from '../conditions/condition-image.ts';
import { mipLevels } from '../drawings/mip-levels.ts';
import type { Atlas } from '../drawings/load-atlas.ts';
import { renderScene } from './render-scene.ts';
import { allocateBuffers, conditions, type Condition } from '../conditions/scene-buffers.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

const area = 64 * 64;
const [first, second] = catalogue('full') as [ReturnType<typeof catalogue>[number], ReturnType<typeof catalogue>[number]];
const other = { ...second, subgroupId: 9 };

/** Object 0 is solid red with lines all over, object 1 solid green with none. */
const atlas: Atlas = (() => {
  const rgba = new Uint8Array(2 * area * 4);
  const line = new Uint8Array(2 * area).fill(255, 0, area);
  for (let p = 0; p < 2 * area; p++) rgba.set(p < area ? [200, 0, 0, 255] : [0, 200, 0, 255], p * 4);
  return { style: 'openmoji', sha256: '', rgba: mipLevels(rgba, 4), line: mipLevels(line, 1) };
})();

/** The first object fills the left half of an 8x8 image and the second, in front, its lower left quarter. */
const spec: SceneSpec = {
  index: 0,
  seed: 0,
  split: 'train',
  size: 8,
  placements: [
    { object: first, centreX: 0, centreY: 0.5, side: 1 },
    { object: other, centreX: 0.25, centreY: 0.75, side: 0.5 },
  ],
  drawingOrder: [0, 1],
  background: { colour: 'white', lighterTowards: null },
  parts: { names: [first.name, other.name], sizeWord: null, relation: 'behind', colour: 'white' },
};
const upper = 1 * 8 + 1;
const lower = 6 * 8 + 1;
const outside = 6 * 8 + 6;

test('image and maps: object, object in front of it, background', () => {
  const b = allocateBuffers(8, conditions);
  renderScene(spec, atlas, b);
  const at = (p: number) => [...b.rgb8.subarray(p * 3, p * 3 + 3)];
  expect([upper, lower, outside].map(at)).toEqual([
    [200, 0, 0],
    [0, 200, 0],
    [245, 245, 245],
  ]);
  const read = (map: Uint8Array) => [upper, lower, outside].map((p) => map[p]);
  expect(read(b.instances)).toEqual([1, 2, 0]);
  expect(read(b.segmentation)).toEqual([first.subgroupId, 9, 0]);
  expect(read(b.depth)).toEqual([130, 245, 71]);
  expect(read(b.mask)).toEqual([255, 255, 0]);
  expect(read(b.line)).toEqual([255, 0, 0]);
  expect(b.canny[1 * 8 + 3]! + b.canny[1 * 8 + 4]!).toBe(255);
  expect(b.scribble[1 * 8 + 3]).toBe(255);
  expect(b.scribble[outside]).toBe(0);
  expect([...b.keypoints.subarray(10, 12)]).toEqual([1.5, 5.5]);
  expect([...b.keypoints.subarray(20)]).toEqual(Array(10).fill(-1));
});

test('a single object has depth 230; the background runs from 20 to 80', () => {
  const b = allocateBuffers(8, ['depth']);
  renderScene({ ...spec, placements: spec.placements.slice(0, 1), drawingOrder: [0] }, atlas, b);
  expect([b.depth[0], b.depth[7], b.depth[63]]).toEqual([230, 20, 80]);
});

test('a gradient runs from 0.75 to 1.1 of the colour', () => {
  const b = allocateBuffers(8);
  renderScene({ ...spec, placements: [], drawingOrder: [], background: { colour: 'gray', lighterTowards: 'right' } }, atlas, b);
  expect([b.rgb8[0], b.rgb8[21]]).toEqual([96, 141]);
});

test('a scene leaves nothing of the one before, and does not depend on which conditions are asked for', () => {
  const all = allocateBuffers(8, conditions);
  const later = { ...spec, placements: spec.placements.slice(1), drawingOrder: [0] };
  renderScene(spec, atlas, all);
  renderScene(later, atlas, all);
  const fresh = allocateBuffers(8, conditions);
  renderScene(later, atlas, fresh);
  for (const condition of conditions) {
    expect(all[condition], condition).toEqual(fresh[condition]);
    const alone = allocateBuffers<Condition>(8, [condition]);
    renderScene(later, atlas, alone);
    expect(alone[condition], condition).toEqual(fresh[condition]);
    expect(alone.rgb8).toEqual(fresh.rgb8);
  }
});

test('what does not fit is an error', () => {
  expect(() => renderScene(spec, atlas, allocateBuffers(16))).toThrow('The scene is 8 px wide, the buffers 16 px.');
  expect(() => renderScene(spec, { ...atlas, style: 'noto', line: null }, allocateBuffers(8, ['line']))).toThrow(
    'Style "noto" has no line art',
  );
  expect(() => allocateBuffers(8, ['edges' as Condition])).toThrow('Unknown condition "edges"');
  expect(() => conditionImage('canny', allocateBuffers(8))).toThrow('The buffers were allocated without "canny"');
});

test('condition images: grey, palette, discs', () => {
  const b = allocateBuffers(8, conditions);
  renderScene(spec, atlas, b);
  const at = (condition: Condition, p: number) => [...conditionImage(condition, b).subarray(p * 3, p * 3 + 3)];
  expect(at('depth', lower)).toEqual([245, 245, 245]);
  expect(at('instances', outside)).toEqual([0, 0, 0]);
  expect(at('instances', upper)).not.toEqual(at('instances', lower));
  // The front object's topmost pixel is its upper left one; leftmost, painted later, is the same pixel.
  expect(at('keypoints', 4 * 8)).toEqual([80, 120, 255]);
});
