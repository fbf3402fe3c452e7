import sharp, { type OverlayOptions } from 'sharp';
import { attributions } from '../drawings/attributions.ts';
import { caption } from '../captions/caption.ts';
import { conditionImage } from '../conditions/condition-image.ts';
import { conflictingCaption } from '../captions/conflicting-caption.ts';
import { insufficientCaption } from '../captions/insufficient-caption.ts';
import { loadAtlas } from '../drawings/load-atlas.ts';
import { renderScene } from './render-scene.ts';
import { allocateBuffers, conditions } from '../conditions/scene-buffers.ts';
import { sceneSpec, type SceneOptions } from '../scenes/scene-spec.ts';
import { styles } from '../drawings/style.ts';

const CELL = 128;
const GAP = 6;
const HEADER = 26;
const CAPTION = 40;
const FOOTER_LINE = 16;

/** A PNG of the scenes 0 to count - 1: each in every style, with every condition (of the OpenMoji drawing) and its captions. */
export async function contactSheet(count: number, options: SceneOptions): Promise<Buffer> {
  const { size } = options;
  const atlases = await Promise.all(styles.map((style) => loadAtlas(style)));
  const buffers = allocateBuffers(size, conditions);
  const plain = allocateBuffers(size);
  const columns = [...styles, ...conditions];
  const width = columns.length * (CELL + GAP) + GAP;
  const footer = HEADER + count * (CELL + CAPTION);
  const height = footer + (styles.length + 0.5) * FOOTER_LINE;
  const images: OverlayOptions[] = [];
  const texts: string[] = columns.map((name, k) => text(GAP + k * (CELL + GAP), HEADER - 8, name, 'bold'));

  for (let i = 0; i < count; i++) {
    const spec = sceneSpec(i, options);
    const top = HEADER + i * (CELL + CAPTION);
    const place = async (rgb8: Uint8Array, column: number) => {
      const raw = { width: size, height: size, channels: 3 as const };
      const input = await sharp(rgb8, { raw }).resize(CELL, CELL, { kernel: 'nearest' }).png().toBuffer();
      images.push({ input, left: GAP + column * (CELL + GAP), top });
    };
    for (const [column, atlas] of atlases.entries()) {
      const target = atlas.style === 'openmoji' ? buffers : plain;
      renderScene(spec, atlas, target);
      await place(target.rgb8, column);
    }
    for (const [k, condition] of conditions.entries()) await place(conditionImage(condition, buffers), styles.length + k);
    const others = `insufficient: ${insufficientCaption(spec, 'background')} / ${insufficientCaption(spec, 'object-dropped')} | conflicting: ${conflictingCaption(spec, options.objects)}`;
    texts.push(text(GAP, top + CELL + 15, `${i}: ${caption(spec.parts)}`, 'bold'), text(GAP, top + CELL + 30, others, 'normal'));
  }

  styles.forEach((style, k) => texts.push(text(GAP, footer + (k + 0.75) * FOOTER_LINE, attributions[style].note, 'normal')));
  const overlay = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join('')}</svg>`);
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([...images, { input: overlay, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

// Captions hold no character that XML reserves.
function text(x: number, y: number, content: string, weight: 'normal' | 'bold'): string {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif" font-size="12" font-weight="${weight}">${content}</text>`;
}
