import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlNet } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { profiles } from '../declarations/arms.ts';
import { runJob } from '../runner/run-job.ts';
import { jobContext } from '../testing/job-context.ts';
import { comparison } from './comparison.ts';
import { BASE, type Arm, type Experiment } from './experiment.ts';
import { armsByPrompts } from './view/blocks/pictures.ts';
import { conditionFidelity } from './compute/judging/measures.ts';
import { mean, type View } from './view/view.ts';

/** What an arm may ask for beside a method and a recipe, and a drawing beside its networks. */
const arm = (id: string, more: Partial<Arm> = {}): Arm => ({ id, label: id, description: id, method: controlNet(), ...more });

const first = arm('first');
// Drawn under one condition alone: under two each would be trained twice.
const next = arm('next', { method: controlNeXt(), condition: 'canny' });
const arms: readonly Arm[] = [
  first,
  next,
  // A rate below every weight’s precision leaves what training goes on from as it is.
  arm('kept', { from: first, condition: 'canny', recipe: { learningRate: 1e-30, steps: 4 } }),
  arm('unlocked', { from: first, condition: 'canny', method: controlNet({ jointRate: 0.1 }), recipe: { steps: 4 } }),
  arm('both', { condition: 'canny+mask' }),
  arm('noto', { base: 'mini:noto', condition: 'canny' }),
];

const STYLE = 'mini:noto';
const canny = (id: string, scale = 1) => ({ arm: id, condition: 'canny', scale }) as const;

let seen: View;

const everything: Experiment = {
  id: 'arms-and-drawings',
  title: 'Arms and drawings',
  description: 'Everything that an arm and a drawing may ask for',
  profiles: { tiny: { ...profiles.tiny, conditions: ['canny', 'mask'], recipe: { ...profiles.tiny.recipe, steps: 4 } } },
  arms,
  costs: true,
  drawings: (_arms, { conditions }) => {
    const panels = conditions;
    return [
      { id: BASE, label: 'base', controls: [], panels },
      { id: 'base-noto', label: 'base, Noto', controls: [], base: STYLE, panels },
      { id: 'first', label: 'alone', controls: [canny('first')], panels: ['canny'] },
      { id: 'kept', label: 'gone on from, unchanged', controls: [canny('kept')], panels: ['canny'] },
      { id: 'silent', label: 'silent', controls: [{ ...canny('first'), silent: true }], panels: ['canny'] },
      { id: 'next', label: 'ControlNeXt', controls: [canny('next')], panels: ['canny'] },
      { id: 'as', label: 'elsewhere', controls: [{ ...canny('next'), as: controlNeXt({ point: 'down_blocks.0' }) }], panels: ['canny'] },
      { id: 'guided', label: 'guided', controls: [canny('first')], guidance: 9, panels: ['canny'] },
      { id: 'two', label: 'two', controls: [canny('first', 0.5), { arm: 'first', condition: 'mask', scale: 0.5 }], panels },
      { id: 'both', label: 'one for both', controls: [{ arm: 'both', condition: 'canny+mask', scale: 1 }], panels },
      { id: 'weights', label: 'weights', controls: [canny('next')], base: STYLE, panels: ['canny'] },
      { id: 'increments', label: 'increments', controls: [canny('next')], base: STYLE, carried: 'increments', panels: ['canny'] },
      { id: 'noto', label: 'trained there', controls: [canny('noto')], base: STYLE, panels: ['canny'] },
    ];
  },
  prompts: ['perfect'],
  measures: [conditionFidelity],
  takeaway(view) {
    seen = view;
    return 'Everything is done.';
  },
  summary: () => '',
  lead: ({ panels: [panel] }) => panel!.id('pictures-grid'),
  claims: () => [],
  sections: (view) => [{ id: 'pictures', title: 'Pictures', blocks: [armsByPrompts(view, view.panels[0]!)] }],
};

let root: string;
let provenance: { trainings: { id: string; identity: string }[]; weightsHash: string };
beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'arms-and-drawings-'));
  const directory = await runJob(comparison(everything), {
    profile: 'tiny', seed: 1, jobs: 1, threads: 1, store: path.join(root, 'store'), reports: path.join(root, 'reports'),
  }); // prettier-ignore
  const results = JSON.parse(readFileSync(path.join(directory!, 'results.json'), 'utf8')) as { provenance: typeof provenance };
  provenance = results.provenance;
}, 600_000);
afterAll(() => rmSync(root, { recursive: true }));

const pictures = (drawing: string, panel = 0): Uint8Array[] =>
  seen.panels[panel]!.cells(drawing, 'perfect')[0]!.images.map(({ rgb }) => rgb);

describe('an arm', () => {
  it('that goes on from another one starts with its weights, and with those of the base where it trains them too', () => {
    const [panel] = seen.panels;
    panel!.heldOut('kept', 'none')[0]!.forEach((loss, i) => expect(loss).toBeCloseTo(panel!.heldOut('first', 'none')[0]![i]!, 6));
    expect(panel!.heldOut('unlocked', 'none')).not.toEqual(panel!.heldOut('first', 'none'));
    expect(panel!.trainings('unlocked')[0]!.parameters.inBase).toBeGreaterThan(1e6);
    // It sees the batches behind those of the first: their losses are others.
    expect(panel!.trainings('kept')[0]!.losses.slice(0, 5)).not.toEqual(panel!.trainings('first')[0]!.losses.slice(0, 5));
  });

  it('with a condition of its own stands in every panel, and is trained once', () => {
    expect(seen.panels[1]!.trainings('both')).toEqual(seen.panels[0]!.trainings('both'));
    expect(provenance.trainings.filter(({ id }) => id.includes('-both-'))).toHaveLength(1);
    for (const panel of seen.panels) expect(mean(panel.samples('both', 'perfect', 'fidelity').map(mean))).toBeGreaterThan(0);
  });

  it('may train on another base, in whose style its scenes are', () => {
    expect(seen.ground({ base: STYLE }).scenes[0]!.examples[0]!.image).not.toEqual(seen.ground().scenes[0]!.examples[0]!.image);
    expect(provenance.weightsHash).toContain('mini:noto unet ');
  });

  it('costs what its step multiplies: more where the whole U-Net trains', () => {
    const { costs } = seen.results;
    expect(costs['unlocked']!.step).toBeGreaterThan(costs['first']!.step);
    expect(costs['kept']).toEqual(costs['first']);
  });
});

describe('what can be computed by itself', () => {
  it('is each training with its own drawings, and each drawing of none or several; a training without a drawing is not done', async () => {
    const tasks = await comparison(everything).tasks!(jobContext('tiny', everything.profiles['tiny']!, root));
    expect(tasks.filter((task) => !task.done()).map(({ id }) => id)).toEqual([]);
    expect(tasks.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['canny-first-1', 'drawn-base-1', 'drawn-base-noto-1', 'drawn-two-1']),
    );
    const drawings = path.join(root, 'store', 'drawing');
    renameSync(drawings, `${drawings}-elsewhere`);
    const undone = tasks.filter((task) => !task.done()).map(({ id }) => id);
    renameSync(`${drawings}-elsewhere`, drawings);
    // Nothing is drawn of the arm that is gone on from by another method alone.
    expect(undone).toEqual(tasks.map(({ id }) => id).filter((id) => !/unlocked|mask-first/.test(id)));
  });
});

describe('a drawing', () => {
  it.each([
    ['silent', 'first'],
    ['guided', 'first'],
    ['as', 'next'],
    ['two', 'first'],
    ['increments', 'weights'],
    ['base-noto', BASE],
    ['noto', 'base-noto'],
  ])('%s shows something else than %s', (one, other) => {
    expect(pictures(one)).not.toEqual(pictures(other));
  });

  it('of several conditions is held against each of them', () => {
    const [edges, masks] = seen.panels;
    expect(pictures('two', 0)).toEqual(pictures('two', 1));
    expect(edges!.samples('two', 'perfect', 'fidelity')).not.toEqual(masks!.samples('two', 'perfect', 'fidelity'));
  });
});
