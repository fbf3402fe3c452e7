import { beforeAll, describe, expect, it } from 'vitest';
import { firstExamples, openDataset, type Dataset } from '@controllab/data';
import { catalogue } from './catalogue/catalogue.ts';
import { conditionImage } from './conditions/condition-image.ts';
import { emojiScenes, type MapCondition, type SceneExample, type SceneSource } from './dataset.ts';
import { loadAtlas } from './drawings/load-atlas.ts';
import { renderScene } from './rendering/render-scene.ts';
import { allocateBuffers, conditions, type SceneBuffers } from './conditions/scene-buffers.ts';
import { trainingMix } from './scenes/scene-mix.ts';
import { sceneSpec } from './scenes/scene-spec.ts';

const source = { tier: 'core', seed: 3, split: 'train', mix: trainingMix } as const satisfies SceneSource;
let scenes: Dataset<SceneExample>;
/** Scene i with every condition, drawn all at once. */
let drawn: (i: number) => SceneBuffers<(typeof conditions)[number]>;

beforeAll(async () => {
  scenes = await emojiScenes(source);
  const atlas = await loadAtlas('openmoji');
  drawn = (i) => {
    const buffers = allocateBuffers(64, conditions);
    renderScene(sceneSpec(i, { ...source, objects: catalogue('core'), size: 64 }), atlas, buffers);
    return buffers;
  };
});

describe('emoji scenes as a dataset', () => {
  it('give two or three maps in one picture, a channel each', async () => {
    const scenes = await emojiScenes({ tier: 'core', seed: 3, split: 'train' });
    const example = await scenes.example(5);
    const { rgb } = example.condition('canny+mask');
    const channel = (c: number): Uint8Array => rgb.filter((_, i) => i % 3 === c);
    expect([channel(0), channel(1), channel(2)]).toEqual([example.map('canny'), example.map('mask'), new Uint8Array(64 * 64)]);
    expect(example.condition('canny+mask+depth').rgb.filter((_, i) => i % 3 === 2)).toEqual(example.map('depth'));
    for (const id of ['canny+keypoints', 'canny+mask+depth+scribble', 'canny+edges'])
      expect(() => example.condition(id), id).toThrow(expect.objectContaining({ code: 'missing-condition' }) as Error);
  });

  it('give picture, conditions and maps of each scene, asked for in any order', async () => {
    const [a, b] = [await scenes.example(5), await scenes.example(6)];
    for (const [example, i] of [
      [a, 5],
      [b, 6],
      [a, 5],
    ] as const) {
      const all = drawn(i);
      for (const id of [...conditions, ...conditions.toReversed()]) {
        expect(example.condition(id), id).toEqual({ rgb: conditionImage(id, all), width: 64, height: 64 });
        expect(example.image).toEqual({ rgb: all.rgb8, width: 64, height: 64 });
        if (id !== 'keypoints') expect(example.map(id), id).toEqual(all[id]);
      }
    }
  });

  it('hand out memory that later scenes leave alone', async () => {
    const first = await scenes.example(0);
    const [image, condition, map] = [first.image, first.condition('canny'), first.map('depth')];
    const copies = [image.rgb, condition.rgb, map].map((array) => array.slice());
    for (const example of await firstExamples(scenes, 4)) {
      example.condition('canny');
      example.map('depth');
    }
    expect([image.rgb, condition.rgb, map]).toEqual(copies);
  });

  it('name their captions by kind', async () => {
    const specs = (await firstExamples(scenes, 40)).map(({ spec }) => spec);
    const pair = specs.find(({ placements }) => placements.length === 2)!;
    const { captions } = await scenes.example(pair.index);
    expect(Object.keys(captions)).toEqual(['caption', 'insufficient', 'object-dropped', 'conflicting', 'swapped', 'empty']);
    const [first, second] = pair.parts.names as [string, string];
    const colour = pair.parts.colour;
    expect(captions.caption).toMatch(new RegExp(`${first} ${pair.parts.relation} .*${second} on an? ${colour} background`));
    expect(captions.swapped).toMatch(new RegExp(`${second} ${pair.parts.relation} .*${first} on an? ${colour} background`));
    expect(captions.insufficient).toMatch(new RegExp(`^an? ${colour} background$`));
    expect(captions['object-dropped']).toMatch(new RegExp(`^(an? )?${first} on an? ${colour} background$`));
    for (const word of [first, second, colour]) expect(captions.conflicting.split(' ')).not.toContain(word);
    expect(captions.empty).toBe('');
  });

  it('open again from plain data, under the same hash', async () => {
    const again = await openDataset(structuredClone(scenes.reference));
    expect(again.hash).toBe(scenes.hash);
    const [a, b] = [await scenes.example(9), await again.example(9)];
    expect(b.image).toEqual(a.image);
    expect(b.captions).toEqual(a.captions);
  });

  it('have a hash of what decides the scenes, and not of how many there are', async () => {
    const hashOf = async (changed: Partial<SceneSource>): Promise<string> => (await emojiScenes({ ...source, ...changed })).hash;
    expect(await hashOf({ length: 10 })).toBe(scenes.hash);
    expect(await hashOf({ size: 64, style: 'openmoji' })).toBe(scenes.hash);
    const changes: Partial<SceneSource>[] = [
      { tier: 'quick' },
      { seed: 4 },
      { split: 'val-combination' },
      { mix: { ...trainingMix, row: 1 } },
      { style: 'noto' },
      { size: 32 },
    ];
    const others = await Promise.all(changes.map(hashOf));
    expect(new Set([scenes.hash, ...others]).size).toBe(7);
  });

  it('refuse what there is not', async () => {
    expect(scenes.length).toBe(2 ** 32);
    expect((await scenes.example(2 ** 32 - 1)).spec.index).toBe(2 ** 32 - 1);
    const ten = await emojiScenes({ ...source, length: 10 });
    await expect(ten.example(10)).rejects.toThrow("emoji-scenes, tier core: expected an example's number from 0 to 9, got 10");
    for (const length of [0, 2 ** 33, 1.5]) await expect(emojiScenes({ ...source, length })).rejects.toThrow(`got ${length}`);
    await expect(emojiScenes({ ...source, tier: 'quick', split: 'val-object' })).rejects.toThrow('No scene of');
    const { condition, map } = await ten.example(0);
    expect(() => condition('edges')).toThrow('emoji-scenes, tier core has no condition "edges". Conditions: canny, line,');
    expect(() => map('keypoints' as MapCondition)).toThrow('"keypoints" are points: there is no map of them.');
  });

  it('have line art in the style openmoji alone', async () => {
    const noto = await emojiScenes({ ...source, style: 'noto' });
    expect(noto.id).toBe('emoji-scenes, tier core, noto');
    expect(noto.conditions).toEqual(scenes.conditions.filter((id) => id !== 'line'));
    const example = await noto.example(0);
    expect(() => example.condition('line')).toThrow('core, noto has no condition "line". Conditions: canny, seg');
    expect(example.image).not.toEqual((await scenes.example(0)).image);
    expect(example.map('canny')).toHaveLength(64 * 64);
  });
});
