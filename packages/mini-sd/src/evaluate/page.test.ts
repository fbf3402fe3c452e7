import { describe, expect, it } from 'vitest';
import { colours, type Colour, type SceneSpec } from '@controllab/emoji-scenes';
import type { Block, ImageGrid, LineFigure, Measurement, Section, Table } from '@controllab/report';
import type { Verdict } from '../judges/judge.ts';
import { evaluationPage } from './page.ts';
import type { Evaluated, Kind } from './scenes.ts';

const PLAIN = Object.fromEntries(
  Object.entries(colours).map(([name, rgb]) => [name, Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => rgb[i % 3]!)]),
) as Record<Colour, Uint8Array>;
const plain = (colour: Colour): Uint8Array => PLAIN[colour].slice();
const scene = (kind: Kind, colour: Colour, name = 'owl'): Evaluated => ({
  kind,
  real: plain(colour),
  spec: {
    background: { colour, lighterTowards: null },
    parts:
      kind === 'pairs'
        ? { names: [name, 'cat'], sizeWord: null, relation: 'left of', colour }
        : { names: [name], sizeWord: kind === 'large singles' ? 'large' : 'small', relation: null, colour },
  } as unknown as SceneSpec,
});
const single = (first: boolean, topFive: boolean): Verdict => ({ recognised: [first], topFive, relation: null });
const pair = (recognised: [boolean, boolean], relation: boolean | null): Verdict => ({ recognised, topFive: true, relation });

const EVALUATED = [
  scene('large singles', 'red'),
  scene('large singles', 'blue'),
  scene('large singles', 'teal'),
  scene('small singles', 'red'),
  scene('pairs', 'green'),
  scene('pairs', 'white'),
];
// Two of six backgrounds are others than was asked for.
const IMAGES = (['red', 'blue', 'gray', 'red', 'green', 'yellow'] as const).map(plain);
const DRAWN = [
  single(true, true),
  single(false, true),
  single(false, false),
  single(true, true),
  pair([true, true], true),
  pair([true, false], null),
];
const REAL = [...Array<Verdict>(4).fill(single(true, true)), pair([true, true], true), pair([true, true], false)];
const QUALITY = [{ label: 'drawn', frechet: 12.346, clip: [0.25, 0.75, 0.5, 0.5, 0.5, 0.5] }];
const SWEEP = [
  { scale: 1, recognised: 0.25, clip: 0.5, frechet: 40 },
  { scale: 4, recognised: 0.75, clip: 0.625, frechet: 20 },
];

const page = (drawn: readonly Verdict[] = DRAWN, real: readonly Verdict[] = REAL) =>
  evaluationPage({ evaluated: EVALUATED, images: IMAGES, seed: 3, guidance: 4, steps: 20 }, { drawn, real }, QUALITY, {
    sweep: SWEEP,
    prompts: 96,
  });
const block = <Kind extends Block>(sections: readonly Section[], id: string): Kind =>
  sections.flatMap(({ blocks }) => blocks).find((one) => 'id' in one && one.id === id) as Kind;
const rowsOf = ({ rows }: Table) =>
  rows.map(({ label, cells }) => [
    label,
    ...cells.map((cell) => (cell === null ? null : typeof cell === 'object' ? (cell as Measurement).value : cell)),
  ]);

describe('the page of the evaluation', () => {
  it('counts what mini-inception sees by kind, beside what it sees in real scenes', () => {
    const { takeaway, sections } = page();
    expect(rowsOf(block<Table>(sections, 'content'))).toEqual([
      ['large singles, top-1', 1 / 3, 1],
      ['large singles, top-5', 2 / 3, 1],
      ['small singles, top-1', 1, 1],
      ['pair members recognised', 0.75, 1],
      ['left of, right of, above, below: right in recognised pairs', 1, 0.5],
      ['background colour', 4 / 6, 1],
    ]);
    expect(block<Table>(sections, 'content').rows[3]!.cells[0]).toMatchObject({ n: 2, seeds: [3] });
    expect(takeaway).toBe('Mini-inception names the object of 33% of the large singles that it draws.');
  });

  it('has no number where no relation could be judged', () => {
    const none = [...Array<Verdict>(4).fill(single(true, true)), ...Array<Verdict>(2).fill(pair([true, false], null))];
    expect(rowsOf(block<Table>(page(none, none).sections, 'content'))[4]!.slice(1)).toEqual([null, null]);
  });

  it('shows distances with two decimals, mean cosines, and curves over the guidance scales', () => {
    const { sections } = page();
    expect(rowsOf(block<Table>(sections, 'quality'))).toEqual([['drawn', 12.35, 0.5]]);
    const curve = (id: string) => block<LineFigure>(sections, id).series;
    expect(curve('guidance-top1')).toEqual([{ label: 'base model', x: [1, 4], y: [0.25, 0.75], n: 96, seeds: [3] }]);
    expect(curve('guidance-clip')).toMatchObject([{ y: [0.5, 0.625] }]);
    expect(curve('guidance-frechet')).toMatchObject([{ y: [40, 20] }]);
  });

  it('shows 64 prompts from all of them, four a row, each real scene before the drawn one', () => {
    const evaluated = Array.from({ length: 130 }, (_, i) => scene('large singles', 'red', `number ${i}`));
    const images = evaluated.map(() => plain('blue'));
    const verdicts = evaluated.map(() => single(true, true));
    const { sections, lead } = evaluationPage(
      { evaluated, images, seed: 3, guidance: 4, steps: 20 },
      { drawn: verdicts, real: verdicts },
      QUALITY,
      { sweep: SWEEP, prompts: 96 },
    );
    const { rows } = block<ImageGrid>(sections, lead);
    expect(rows.map(({ images: shown }) => shown.length)).toEqual(Array(16).fill(8));
    // One of every two: the second of the second row is number (4 + 1) x 2.
    const [real, drawn] = rows[1]!.images.slice(2, 4);
    expect(real).toMatchObject({ caption: 'a large number 10 on a red background', alt: 'a large number 10 on a red background' });
    expect(drawn).toMatchObject({ alt: 'Drawn: a large number 10 on a red background' });
    expect(real!.rgb === evaluated[10]!.real && drawn!.rgb === images[10]).toBe(true);
  });
});
