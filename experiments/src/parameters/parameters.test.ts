import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '@controllab/base-model';
import type { RowId } from '../full-size/methods.ts';
import { methodOf } from '../full-size/report-cells.ts';
import { components } from './components.ts';
import { measureComponent, measureFamily } from './measure.ts';
import { parametersReport } from './report.ts';
import { printsAs, tableFive } from './table-five.ts';

const counts = ARCHITECTURES.map(measureFamily);
const family = (id: string) => counts.find((f) => f.id === id)!;
const added = (id: string, method: RowId) => methodOf(family(id), method).macs - methodOf(family(id), 'base').macs;

describe('multiply-accumulates', () => {
  // Counted by hooks on the reference implementations; in units of 1e9 with three decimals.
  const { values } = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../../fixtures/reference/arch/macs.json'), 'utf8')) as {
    values: Record<string, { total: number }>;
  };

  it.each([
    ['SD1.5 UNet 64x64', () => methodOf(family('sd15'), 'base').macs],
    ['SD1.5 ControlNet 64x64 (512 hint)', () => added('sd15', 'controlnet')],
    ['ControlNeXt current module 512x512', () => added('sd15', 'controlnext')],
    ['ControlNeXt SD1.5 inference(legacy) module 512x512', () => added('sd15', 'controlnext-legacy')],
    ['SDXL UNet 128x128', () => methodOf(family('sdxl'), 'base').macs],
    ['SDXL ControlNet 128x128 (1024 hint)', () => added('sdxl', 'controlnet')],
    ['ControlNeXt current module 1024x1024', () => added('sdxl', 'controlnext')],
    ['ControlNeXt legacy module 1024x1024', () => added('sdxl', 'controlnext-legacy')],
    ['SVD UNet 1 frame-batch 14x72x128 (576x1024)', () => methodOf(family('svd'), 'base').macs],
    ['ControlNeXt SVD module 14 frames 576x1024', () => added('svd', 'controlnext')],
    ['ControlNeXt SVD v1(legacy) module 14 frames 576x1024', () => added('svd', 'controlnext-legacy')],
  ])('%s is the reference count', (name, macs) => {
    expect(Object.keys(values)).toContain(name);
    expect(Math.abs(macs() / 1e9 - values[name]!.total)).toBeLessThan(0.0011);
  });
});

describe('table 5 of ControlNeXt', () => {
  it.each([
    ['sd15', 'controlnext', 28_332_160, 64],
    ['sd15', 'controlnext-legacy', 30_158_087, 64],
    ['sdxl', 'controlnext', 106_009_600, 140],
    ['sdxl', 'controlnext-legacy', 107_836_551, 140],
    ['svd', 'controlnext', 53_137_920, 128],
    ['svd', 'controlnext-legacy', 55_221_697, 128],
  ] as const)('%s, %s: %s parameters learn, %s tensors of them in the U-Net', (id, method, learnable, tensors) => {
    expect(methodOf(family(id), method)).toMatchObject({ learnable, subset: { tensors } });
  });

  it('prints rounded or cut-off millions', () => {
    expect([printsAs(859_520_964, 859), printsAs(859_520_964, 860), printsAs(859_520_964, 861)]).toEqual([true, true, false]);
  });

  it('holds with the legacy modules, and in no entry of ControlNeXt with the current one', () => {
    const entries = tableFive(counts, 'controlnext-legacy');
    expect(entries).toHaveLength(15);
    expect(entries.filter(({ count, paper }) => !printsAs(count, paper))).toEqual([]);
    const differing = tableFive(counts, 'controlnext').filter(({ count, paper }) => !printsAs(count, paper));
    expect(differing.map(({ family: id, method, kind }) => `${id} ${method} ${kind}`)).toEqual(
      ['sd15', 'sdxl', 'svd'].flatMap((id) => [`${id} controlnext total`, `${id} controlnext learnable`]),
    );
  });
});

it('the report has verdicts from the counts alone', () => {
  const report = parametersReport({ families: counts, components: components().map(measureComponent) });
  expect(report.claims.map(({ id, results }) => [id, results[0]!.measured?.value])).toEqual([
    ['table-five', 15],
    ['table-five-current', 9],
    ['fewer-learnable', 0.9138],
    ['less-compute', 0.3651],
    ['less-compute-legacy', 1.0381],
  ]);
  expect(report.summary).toContain('+36.6% multiply-accumulates against +35.3%');
});
