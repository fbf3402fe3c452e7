import { escapeHtml } from '../../text/escape.ts';
import type { GridColumn, GridImage } from '../../model/report.ts';
import type { PlacedImage } from '../../write/place-images.ts';

/** Up to this width an image is shown with hard pixels; a larger one is scaled smoothly. */
const PIXELATED_UP_TO = 128;

export const isSmall = ({ width }: GridImage): boolean => width <= PIXELATED_UP_TO;

/** An image with its place and what its enlargement is headed with. */
export interface Picture {
  readonly image: GridImage;
  readonly place: PlacedImage;
  readonly title: string;
}

/**
 * What is to be seen, for those who hear it: a name put together of parts may say a word twice in a row ("no prompt prompt"), which is said
 * once.
 */
export const altText = ({ alt }: GridImage): string => alt.replace(/(?<![\p{L}\p{N}])(\p{L}+)(?: \1(?![\p{L}\p{N}]))+/giu, '$1');

/** Of the pictures of one block one is a stop of the Tab key; arrow keys go on from there (page/report.js). */
export type TabStop = () => boolean;
export const firstOnly = (): TabStop => {
  let first = true;
  return () => {
    const stop = first;
    first = false;
    return stop;
  };
};

// The picture element shows one tile of a row's PNG: as wide as all tiles together, shifted left, cut off by its frame.
/** A picture that enlarges, and the line under it. */
export const renderPicture = ({ image, place: { file, index, count }, title }: Picture, isStop: TabStop): string => {
  const alt = escapeHtml(altText(image));
  const frame = `<span class="frame${isSmall(image) ? ' pixelated' : ''}" style="aspect-ratio:${image.width}/${image.height};--tiles:${count};--tile:${index}" data-width="${image.width}" data-height="${image.height}"><img src="${file}" alt="" decoding="async"></span>`;
  return `<button type="button" class="enlarge" data-title="${escapeHtml(title)}" aria-label="Enlarge: ${alt}"${isStop() ? '' : ' tabindex="-1"'}>${frame}</button>${image.caption === undefined ? '' : `<span class="image-caption">${escapeHtml(image.caption)}</span>`}`;
};

export const columnLabel = (column: GridColumn): string => (typeof column === 'string' ? column : column.label);
export const groupOf = (column: GridColumn): string | undefined => (typeof column === 'string' ? undefined : column.group);

/** The head of an enlargement: where the picture stands, its score, its prompt. */
export const pictureTitle = (row: string, column: GridColumn, { caption, detail }: GridImage): string => {
  const group = groupOf(column);
  const name = group === undefined ? columnLabel(column) : `${group}: ${columnLabel(column)}`;
  return [row, name, caption, detail].filter(Boolean).join(' \u00b7 ');
};

/** A smaller second line; nothing without text. */
export const detailLine = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : `<span class="detail">${escapeHtml(text)}</span>`;
