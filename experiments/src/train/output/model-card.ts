import path from 'node:path';
import { imageSheet, encodePng } from '@controllab/report';
import { writeAtomic, type RgbImage } from '@controllab/data';
import type { LogLine } from '@controllab/training';
import { drawnLines, lossCurve, shownSteps, type PageSetting } from '../live/page.ts';
import { readPicture } from '../validation.ts';
import { writeOwnText } from './own-text.ts';

/** Steps that the pictures show. */
const SHOWN = 6;
const [WIDTH, HEIGHT, MARGIN] = [640, 240, 40] as const;

/** The loss as a drawing that every viewer shows. @param losses those of a training that took a step: steps count from 1 */
export function curveSvg(losses: readonly { step: number; loss: number }[]): string {
  const { x, y } = lossCurve(losses);
  const [low, high] = [Math.min(...y), Math.max(...y)];
  const left = (step: number): string => (MARGIN + ((WIDTH - 2 * MARGIN) * step) / x.at(-1)!).toFixed(1);
  const top = (loss: number): string => (HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * (loss - low)) / (high - low || 1)).toFixed(1);
  const text = (at: string, words: string): string => `<text ${at} font-family="sans-serif" font-size="12" fill="#777">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="training loss by step">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<polyline fill="none" stroke="#2563eb" stroke-width="1.5" points="${x.map((step, i) => `${left(step)},${top(y[i]!)}`).join(' ')}"/>`,
    text(`x="${MARGIN}" y="${MARGIN - 12}"`, `loss, ${high.toPrecision(3)} at the top`),
    text(`x="${MARGIN}" y="${HEIGHT - 12}"`, `${low.toPrecision(3)} at the bottom; ${x.at(-1)} steps`),
    '</svg>\n',
  ].join('\n');
}

/** Conditions in the first row, below them what was drawn by step. */
async function pictures({ pictures: validated, validation }: PageSetting, steps: readonly number[]): Promise<RgbImage> {
  const rows: RgbImage[] = validated.map(({ condition }) => condition);
  const { width, height } = rows[0]!;
  const empty: RgbImage = { width, height, rgb: new Uint8Array(3 * width * height) };
  for (const step of steps) for (const i of validated.keys()) rows.push((await readPicture(validation, step, i)) ?? empty);
  return imageSheet(rows, validated.length);
}

/** As a value of YAML. */
const yaml = (text: string): string => JSON.stringify(text);

/** What a model card says. */
export interface Card {
  readonly page: PageSetting;
  readonly lines: readonly LogLine[];
  readonly base: string;
  readonly control: string;
  readonly library: string | null;
  readonly files: readonly string[];
  /** How the files are used, as a block of code. */
  readonly use: string;
  say(message: string): void;
}

/**
 * Writes README.md, a model card as Hugging Face reads it, with the curve and the pictures that it shows. Nothing in it depends on when or
 * how fast the training ran. One that was edited stays, see `writeOwnText`.
 */
export async function writeModelCard(folder: string, card: Card): Promise<string[]> {
  const { page, lines, base, control, library, files, use, say } = card;
  const losses = lines.flatMap((line) => ('loss' in line ? [{ step: line.step, loss: line.loss }] : []));
  const evaluations = drawnLines(page, lines);
  const drawn = shownSteps(
    evaluations.map(({ step }) => step),
    SHOWN,
  );
  await writeAtomic(path.join(folder, 'images', 'loss.svg'), curveSvg(losses));
  const images = ['images/loss.svg'];
  if (drawn.length > 0 && page.pictures.length > 0) {
    const { rgb, width, height } = await pictures(page, drawn);
    await writeAtomic(path.join(folder, 'images', 'pictures.png'), await encodePng(rgb, width, height));
    images.push('images/pictures.png');
  }
  const measured = Object.entries(evaluations.at(-1)?.evaluation ?? {}).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${value.toFixed(3)}`] : [],
  );
  const text = `---
base_model: ${yaml(base)}
${library === null ? '' : `library_name: ${library}\n`}tags:
- controlnet
- controllab
---

# ${page.title}

Trained with controllab to control ${base} by ${control}.

${Object.entries(page.facts)
  .map(([name, value]) => `- ${name}: ${value}`)
  .join('\n')}
- files: ${files.map((file) => `\`${file}\``).join(', ')}

## Use

${use}

## Training

![training loss by step](images/loss.svg)
${
  images.length === 1
    ? ''
    : `
![conditions, and what was drawn from them by step](images/pictures.png)

The first row is what the control sees, the others are drawn after step ${drawn.join(', ')}${measured.length === 0 ? '' : `; the last has ${measured.join(', ')}`}.
${page.pictures.map(({ prompt }) => `- ${prompt === '' ? 'the empty prompt' : yaml(prompt)}`).join('\n')}
`
}
The same training again, from the folder that it was started in: \`npx controllab train --config train.json --out ANOTHER\`.
`;
  const written = await writeOwnText(folder, 'README.md', text, say);
  return [...(written === null ? [] : [written]), ...images];
}
