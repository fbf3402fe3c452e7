import { describe, expect, it } from 'vitest';
import type { GridColumn, ImageGrid } from '../../model/report.ts';
import { placeImages } from '../../write/place-images.ts';
import { renderLead, renderPictures } from './figure.ts';
import { hasPanels } from './panels.ts';
import { altText } from './picture.ts';

const image = (alt: string, detail?: string) => ({
  rgb: new Uint8Array(3),
  width: 1,
  height: 1,
  alt,
  ...(detail === undefined ? {} : { detail }),
});
const grid = (columns: readonly GridColumn[], rows = 1): ImageGrid => ({
  kind: 'image-grid',
  id: 'g',
  caption: 'All',
  columns,
  rows: Array.from({ length: rows }, (_, i) => ({ label: `row ${i + 1}`, images: columns.map((_column, k) => image(`picture ${k}`)) })),
});
const render = async (block: ImageGrid) => renderPictures(block, await placeImages(block), [{ id: 'a', label: 'A' }]);

describe('altText', () => {
  it('says a word once that names put together say twice', () => {
    expect(altText(image('ControlNet, no prompt prompt, for: a cat'))).toBe('ControlNet, no prompt, for: a cat');
    expect(altText(image('Gaussian gaussian convolutions'))).toBe('Gaussian convolutions');
    expect(altText(image('der der die'))).toBe('der die');
  });

  it('leaves everything else as it is', () => {
    for (const alt of ['a cat catalogue', 'scene 1 1', 'the cat, cat-like', 'no one knows']) expect(altText(image(alt))).toBe(alt);
  });
});

describe('a grid of pictures', () => {
  it('has one stop of the Tab key', async () => {
    const html = await render(grid(['a', 'b'], 3));
    expect(html.match(/class="enlarge"/g)).toHaveLength(6);
    expect(html.match(/tabindex="-1"/g)).toHaveLength(5);
  });

  it('shows what a column, a row and a picture were drawn from', async () => {
    const columns = [{ label: 'told', detail: 'a cat', arm: 'a' }, 'free'];
    const html = await render({ ...grid(columns), rows: [{ label: 'r', detail: 'scene 7', images: [image('x'), image('y', 'a dog')] }] });
    expect(html).toMatch(/<th scope="col"><svg class="mark".*?<\/svg>\u00a0told<span class="detail">a cat<\/span><\/th>/);
    expect(html).toContain('<th scope="row">r<span class="detail">scene 7</span></th>');
    expect(html).toContain('<span class="detail">a dog</span></td>');
    expect(html).toContain('data-title="r \u00b7 free \u00b7 a dog"');
  });

  const byPrompts = (arms: number, prompts: number) =>
    Array.from({ length: arms }, (_, i) =>
      Array.from({ length: prompts }, (_p, k) => ({ group: `arm ${i}`, label: `prompt ${k}` })),
    ).flat();

  it('becomes panels where its columns are too many for a table and are arms x prompts', () => {
    expect(hasPanels(grid(['condition', ...byPrompts(3, 4)]))).toBe(true);
    expect(hasPanels(grid(['condition', ...byPrompts(2, 4)]))).toBe(false);
    expect(hasPanels(grid(Array.from({ length: 12 }, (_, i) => `${i}`)))).toBe(false);
    expect(hasPanels(grid(byPrompts(1, 12)))).toBe(false);
  });

  it('of panels leaves the place of a column that an arm does not have empty, and says a prompt that differs with no arm once', async () => {
    const columns = [...byPrompts(3, 4), { group: 'base', label: 'prompt 3' }];
    const block = {
      ...grid(columns),
      rows: [
        { label: 'r', images: columns.map(({ label }, k) => (k === 0 ? null : image('x', label === 'prompt 2' ? `differs ${k}` : label))) },
      ],
    };
    const html = await render(block);
    expect(html.match(/<td><\/td>/g)).toHaveLength(4); // the corner and three prompts that the base model was not given
    expect(html.match(/no image/g)).toHaveLength(1);
    expect(html).toContain('<dt>prompt 1:</dt> <dd>prompt 1</dd>');
    expect(html).not.toContain('<dt>prompt 2:</dt>');
  });

  it('leads with its first rows and links to the rest', async () => {
    const block = grid(['a'], 5);
    const lead = renderLead(block, await placeImages(block), []);
    expect(lead.match(/<tr><th scope="row">/g)).toHaveLength(3);
    expect(lead).toContain('<a href="#g">All 5 rows</a>');
    expect(lead).not.toContain('id="g"');
    const short = grid(['a'], 2);
    expect(renderLead(short, await placeImages(short), [])).not.toContain('<a ');
  });
});
