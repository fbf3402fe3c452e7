import type { Arm } from '../model/report.ts';

/** Colours that tell arms apart. */
const COLOURS = 8;

// A second cue beside colour, for print and for colour-blind readers. Their numbers differ from that of the colours, so that arms which
// share a colour differ in it.
const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot'] as const;
const SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'x'] as const;

/** How one arm looks in every figure and table: place of its colour (1 to 8), dash of its curves, symbol of its points. */
export interface ArmMark {
  readonly colour: number;
  readonly dash: (typeof DASHES)[number];
  readonly symbol: (typeof SYMBOLS)[number];
}

const markAt = (i: number): ArmMark => ({
  colour: (i % COLOURS) + 1,
  dash: DASHES[i % DASHES.length]!,
  symbol: SYMBOLS[i % SYMBOLS.length]!,
});

/** The mark of an arm by its place among those compared; undefined where none is named. */
const armMark = (arms: readonly Arm[], arm: string | undefined): ArmMark | undefined => {
  const place = arms.findIndex(({ id }) => id === arm);
  return place < 0 ? undefined : markAt(place);
};

/** The marks of a figure's series: those of their arms; series that are no arm's come after all arms, and share no mark with one. */
export const seriesMarks = (arms: readonly Arm[], series: readonly { readonly arm?: string }[]): ArmMark[] => {
  let next = arms.length;
  return series.map(({ arm }) => armMark(arms, arm) ?? markAt(next++));
};

// Plotly's symbols, in a square of 10 units.
const SHAPES: Readonly<Record<ArmMark['symbol'], string>> = {
  circle: '<circle cx="5" cy="5" r="4"/>',
  square: '<path d="M1.3 1.3h7.4v7.4H1.3z"/>',
  diamond: '<path d="M5 0l5 5-5 5-5-5z"/>',
  'triangle-up': '<path d="M5 .6L9.8 9H.2z"/>',
  cross: '<path d="M3.5 .5h3v3h3v3h-3v3h-3v-3h-3v-3h3z"/>',
  x: '<path d="M.4 2.5L2.5 .4 5 2.9 7.5 .4l2.1 2.1L7.1 5l2.5 2.5-2.1 2.1L5 7.1 2.5 9.6 .4 7.5 2.9 5z"/>',
};

/** An arm's symbol in its colour, before its name in a header, from which no line break parts it; nothing where no arm is named. */
export const armSymbol = (arms: readonly Arm[], arm: string | undefined): string => {
  const mark = armMark(arms, arm);
  return mark === undefined
    ? ''
    : `<svg class="mark" viewBox="0 0 10 10" fill="var(--series-${mark.colour})" aria-hidden="true">${SHAPES[mark.symbol]}</svg>\u00a0`;
};
