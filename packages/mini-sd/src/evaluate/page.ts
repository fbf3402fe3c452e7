import { borderColour, caption, colourNames, colours, nearestColour } from '@controllab/emoji-scenes';
import { meanInterval, type ImageGrid, type LineFigure, type Measurement, type Section, type Table } from '@controllab/report';
import type { Verdict } from '../judges/judge.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { REFERENCE, type Evaluated, type Kind } from './scenes.ts';

/** Held-out prompts in the grid. */
const SHOWN = 64;

/** What was drawn, and how. */
export interface Drawn {
  readonly evaluated: readonly Evaluated[];
  /** A picture of each. */
  readonly images: readonly Uint8Array[];
  readonly seed: number;
  readonly guidance: number;
  readonly steps: number;
}

/** What a judge says of the pictures and of the real scenes of the same prompts. */
export interface Judged {
  readonly drawn: readonly Verdict[];
  readonly real: readonly Verdict[];
}

/** Fréchet distance to the reference, and the cosine of each picture with its caption. */
export interface Quality {
  readonly label: string;
  readonly frechet: number;
  readonly clip: readonly number[];
}

/** Means at a guidance scale. */
export interface AtGuidance {
  readonly scale: number;
  readonly recognised: number;
  readonly clip: number;
  readonly frechet: number;
}

const measured = (samples: readonly number[], seed: number): Measurement => ({ ...meanInterval(samples), seeds: [seed] });
const cell = (samples: readonly number[], seed: number): Measurement | null => (samples.length === 0 ? null : measured(samples, seed));

/** The samples of each of mini-inception's measures. */
function contentOf(evaluated: readonly Evaluated[], verdicts: readonly Verdict[]): [string, number[]][] {
  const of = (kind: Kind): Verdict[] => verdicts.filter((_, i) => evaluated[i]!.kind === kind);
  return [
    ['large singles, top-1', of('large singles').map((v) => Number(v.recognised[0]))],
    ['large singles, top-5', of('large singles').map((v) => Number(v.topFive))],
    ['small singles, top-1', of('small singles').map((v) => Number(v.recognised[0]))],
    ['pair members recognised', of('pairs').map((v) => v.recognised.filter(Boolean).length / 2)],
    [
      'left of, right of, above, below: right in recognised pairs',
      of('pairs').flatMap(({ relation }) => (relation === null ? [] : [Number(relation)])),
    ],
  ];
}

/** Whether each picture's border has the background that its scene asks for. */
function rightColours(evaluated: readonly Evaluated[], pictures: readonly Uint8Array[]): number[] {
  const palette = colourNames.map((name) => colours[name]);
  return pictures.map((image, i) =>
    Number(colourNames[nearestColour(borderColour(image, IMAGE_SIZE, IMAGE_SIZE), palette)] === evaluated[i]!.spec.background.colour),
  );
}

function contentTable({ evaluated, images, seed }: Drawn, judged: Judged): Table {
  const onReal = contentOf(evaluated, judged.real);
  const [drawnColours, realColours] = [images, evaluated.map(({ real }) => real)].map((pictures) => rightColours(evaluated, pictures));
  return {
    kind: 'table',
    id: 'content',
    caption: `What mini-inception sees in ${images.length} pictures of held-out prompts, and in the real scenes of the same prompts: its ceiling. Every object that training shows is asked for equally often.`,
    rowHeader: 'Measure',
    columns: [{ label: 'drawn', better: 'higher' }, { label: 'real scenes' }],
    rows: [
      ...contentOf(evaluated, judged.drawn).map(([label, samples], i) => ({
        label,
        cells: [cell(samples, seed), cell(onReal[i]![1], seed)],
      })),
      { label: 'background colour', cells: [measured(drawnColours!, seed), measured(realColours!, seed)] },
    ],
  };
}

const qualityTable = ({ seed }: Drawn, rows: readonly Quality[]): Table => ({
  kind: 'table',
  id: 'quality',
  caption: `Fréchet distance (mini-inception) to ${REFERENCE} real scenes of another seed, and CLIP score (mini): raw cosine by the mini-CLIP that had no part in drawing.`,
  rowHeader: 'Pictures',
  columns: [
    { label: 'Fréchet distance (mini-inception)', better: 'lower' },
    { label: 'CLIP score (mini)', better: 'higher' },
  ],
  rows: rows.map(({ label, frechet, clip }) => ({ label, cells: [Number(frechet.toFixed(2)), measured(clip, seed)] })),
});

/** One curve over the guidance scales. */
function curve({ seed, steps }: Drawn, sweep: readonly AtGuidance[], prompts: number) {
  return (id: string, label: string, value: (at: AtGuidance) => number): LineFigure => ({
    kind: 'line',
    id,
    caption: `${label} by guidance scale, ${prompts} held-out prompts, ${steps} DDIM steps.`,
    x: { label: 'guidance scale' },
    y: { label },
    series: [{ label: 'base model', x: sweep.map(({ scale }) => scale), y: sweep.map(value), n: prompts, seeds: [seed] }],
  });
}

/** Four prompts a row, the real scene of each beside the drawn one. */
function pictureGrid({ evaluated, images, guidance, steps }: Drawn): ImageGrid {
  const step = Math.floor(evaluated.length / SHOWN);
  const picture = (rgb: Uint8Array, alt: string) => ({ rgb, width: IMAGE_SIZE, height: IMAGE_SIZE, alt });
  return {
    kind: 'image-grid',
    id: 'samples',
    caption: `${SHOWN} held-out prompts, guidance ${guidance}, ${steps} DDIM steps: the real scene and the drawn one.`,
    columns: [0, 1, 2, 3].flatMap((g) => ['real', 'drawn'].map((label) => ({ group: `${g + 1}`, label }))),
    rows: Array.from({ length: SHOWN / 4 }, (_, r) => ({
      label: `${r + 1}`,
      images: [0, 1, 2, 3]
        .map((g) => (r * 4 + g) * step)
        .flatMap((i) => {
          const { real, spec } = evaluated[i]!;
          const text = caption(spec.parts);
          return [{ ...picture(real, text), caption: text }, picture(images[i]!, `Drawn: ${text}`)];
        }),
    })),
  };
}

/** The page's sections, the picture that leads it, and the sentence that does. */
export function evaluationPage(
  drawn: Drawn,
  judged: Judged,
  quality: readonly Quality[],
  guidance: { readonly sweep: readonly AtGuidance[]; readonly prompts: number },
): { takeaway: string; lead: string; sections: Section[] } {
  const grid = pictureGrid(drawn);
  const line = curve(drawn, guidance.sweep, guidance.prompts);
  const [, largeSingles] = contentOf(drawn.evaluated, judged.drawn)[0]!;
  return {
    takeaway: `Mini-inception names the object of ${Math.round(100 * meanInterval(largeSingles).value)}% of the large singles that it draws.`,
    lead: grid.id,
    sections: [
      { id: 'pictures', title: 'The pictures', blocks: [grid] },
      { id: 'measures', title: 'Measures', blocks: [contentTable(drawn, judged), qualityTable(drawn, quality)] },
      {
        id: 'guidance',
        title: 'Guidance scale',
        blocks: [
          line('guidance-top1', 'top-1 of large singles', ({ recognised }) => recognised),
          line('guidance-clip', 'CLIP score (mini)', ({ clip }) => clip),
          line('guidance-frechet', 'Fréchet distance (mini-inception)', ({ frechet }) => frechet),
        ],
      },
    ],
  };
}
