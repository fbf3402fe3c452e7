import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import type { Style } from './style.ts';

const require = createRequire(import.meta.url);

/** Width and height that every returned SVG declares, in pixels: twice OpenMoji's artboard. */
export const DRAWING_SIZE = 144;

const iconifyPackages = {
  twemoji: '@iconify-json/twemoji',
  noto: '@iconify-json/noto',
  fluent: '@iconify-json/fluent-emoji-flat',
} as const;

type IconifyStyle = keyof typeof iconifyPackages;

interface IconifySet {
  width: number;
  height: number;
  icons: Record<string, { body: string; width?: number; height?: number; left?: number; top?: number }>;
}

const names = new Map<IconifyStyle, Map<string, string>>();
const sets = new Map<IconifyStyle, IconifySet>();

/** The npm package that holds the drawings of a style. */
export function drawingPackage(style: Style): string {
  return style === 'openmoji' ? 'openmoji' : iconifyPackages[style];
}

/** Whether the set has a drawing of this emoji; cheap, because only iconify's code point table is read. */
export function hasDrawing(style: Style, hexcode: string): boolean {
  return style === 'openmoji' || iconNames(style).has(normalise(hexcode));
}

/** The SVG source of one emoji, 144 px wide and high. Throws `missing-drawing` where the set lacks it. */
export function emojiDrawing(style: Style, hexcode: string): string {
  if (style === 'openmoji') return openmojiDrawing('color', hexcode);
  const name = iconNames(style).get(normalise(hexcode));
  const set = iconSet(style);
  const icon = name === undefined ? undefined : set.icons[name];
  if (!icon) throw new EmojiScenesError('missing-drawing', `${drawingPackage(style)} has no drawing of ${hexcode}.`, { style, hexcode });
  const { body, left = 0, top = 0, width = set.width, height = set.height } = icon;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${DRAWING_SIZE}" height="${DRAWING_SIZE}" viewBox="${left} ${top} ${width} ${height}">${body}</svg>`;
}

/** The SVG source of OpenMoji's black line drawing: the only set that has one. */
export function lineDrawing(hexcode: string): string {
  return openmojiDrawing('black', hexcode);
}

// OpenMoji's files carry a 72-unit viewBox and no size.
function openmojiDrawing(kind: 'color' | 'black', hexcode: string): string {
  const svg = readFileSync(require.resolve(`openmoji/${kind}/svg/${hexcode}.svg`), 'utf8');
  return svg.replace('<svg ', `<svg width="${DRAWING_SIZE}" height="${DRAWING_SIZE}" `);
}

function iconNames(style: IconifyStyle): Map<string, string> {
  let table = names.get(style);
  if (!table) {
    const chars = require(`${iconifyPackages[style]}/chars.json`) as Record<string, string>;
    table = new Map(Object.entries(chars).map(([hexcode, name]) => [normalise(hexcode), name]));
    names.set(style, table);
  }
  return table;
}

function iconSet(style: IconifyStyle): IconifySet {
  let set = sets.get(style);
  if (!set) {
    set = require(`${iconifyPackages[style]}/icons.json`) as IconifySet;
    sets.set(style, set);
  }
  return set;
}

// The sets disagree on leading zeros and on the variation selector fe0f, and on nothing else.
function normalise(hexcode: string): string {
  return hexcode
    .toLowerCase()
    .split('-')
    .map((point) => point.replace(/^0+/, ''))
    .filter((point) => point !== 'fe0f')
    .join('-');
}
