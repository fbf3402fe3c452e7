import { expect, it } from 'vitest';
import { controlNet } from '@controllab/controlnet';
import { jsonHash, type Dataset, type Json } from '@controllab/data';
import { vqTransformer } from '@controllab/mini-sd';
import { profiles } from '../../../declarations/arms.ts';
import { drawingsOf, methodOf, type Arm, type Drawing, type DrawnControl, type Experiment, type Profile } from '../../experiment.ts';
import { codeModelIdentity, type CodeTraining } from './code-model.ts';
import type { Setting } from './train.ts';

const model = vqTransformer();
const arm: Arm = { id: 'codes', label: 'codes', description: '', method: model };
const data = { hash: 'scenes' } as Dataset;

const settingOf = (more: Partial<Profile> = {}) =>
  ({
    at: { profile: { ...profiles.tiny, ...more }, numerics: { engine: 'none' } },
    on: () => ({ followed: { hash: 'followed' } }),
  }) as unknown as Setting;
const identity = (
  own: Partial<Arm> = {},
  { seed = 1, setting = settingOf(), ...more }: Partial<CodeTraining> & { seed?: number; setting?: Setting } = {},
) =>
  codeModelIdentity(setting, { key: { arm: { ...arm, ...own }, condition: 'segmentation', seed }, model, data, ...more }) as Readonly<
    Record<string, Json>
  >;

it('one first stage serves all seeds and arms of a profile, and every training is its own', () => {
  const longer = { recipe: ({ steps }: { steps: number }) => ({ steps: 4 * steps }) };
  const all = [identity(), identity({}, { seed: 2 }), identity(longer), identity({}, { data: { hash: 'others' } as Dataset })];
  expect(new Set(all.map((each) => jsonHash(each))).size).toBe(4);
  expect(all.map((each) => each['firstStage'] === all[0]!['firstStage'])).toEqual([true, true, true, false]);
  const shorter = identity({}, { model: vqTransformer({ firstStage: 2 }) });
  expect(shorter['firstStage']).not.toBe(all[0]!['firstStage']);
});

it('a training says nothing of what only denoisers have', () => {
  const recipe = identity()['recipe'] as object;
  expect(Object.keys(recipe)).not.toContain('promptDrop');
  expect(recipe).toMatchObject({ steps: profiles.tiny.recipe.steps, batchSize: profiles.tiny.recipe.batchSize });
  const undropped = identity({}, { setting: settingOf({ recipe: { ...profiles.tiny.recipe, promptDrop: 0 } }) });
  expect(jsonHash(undropped)).toBe(jsonHash(identity()));
});

it('what is a control’s is refused by name', () => {
  const from: Arm = { ...arm, id: 'earlier', method: controlNet() };
  expect(() => identity({ from })).toThrow('arm codes is a model of its own, for which there is none of: from');
  const followed = settingOf({ follow: { ...profiles.tiny.follow, copies: true } });
  expect(() => identity({}, { setting: followed })).toThrow('none of: copies');
  expect(() => methodOf(arm)).toThrow('arm codes is a model of its own: it controls no U-Net');
  expect(methodOf(from)).toBe(from.method);
});

const drawn = (...drawings: readonly Drawing[]) =>
  drawingsOf({ arms: [arm], drawings: () => drawings } as unknown as Experiment, profiles.tiny);
const control: DrawnControl = { arm: 'codes', condition: 'segmentation', scale: 1 };
const alone: Drawing = { id: 'own', label: 'own', controls: [control], panels: ['segmentation'] };

it.each([
  [{ controls: [{ ...control, scale: 0.5 }] }, ', without scale'],
  [{ controls: [{ ...control, as: controlNet() }], base: 'mini:noto' }, ', without base, as'],
  [{ weighting: 'resolution', guidance: 2 }, ', without guidance, weighting'],
  [{ controls: [control, control] }, ''],
] as const)('a drawing asks no control’s choices of it: %j', (more, expected) => {
  const message = `drawing own: arm codes is a model of its own, which draws alone${expected}`;
  expect(() => drawn({ ...alone, ...more })).toThrow(new RangeError(message));
});

it('a drawing of it alone, and of a black condition, is one', () => {
  const drawings = [alone, { ...alone, id: 'silent', controls: [{ ...control, silent: true }] }];
  expect(drawn(...drawings)).toEqual(drawings);
});
