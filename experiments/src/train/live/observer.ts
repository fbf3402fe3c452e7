import { appendFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomic } from '@controllab/data';
import { encodeEvents, eventFileStart, writeReport, type Event, type EventImage } from '@controllab/report';
import type { LogLine, TrainingOptions } from '@controllab/training';
import { pictureName } from '../validation.ts';
import { drawnLines, pageOf, type PageSetting } from './page.ts';

/** Milliseconds between two versions of the page. */
const PAGE_MS = 5000;
/** As TensorBoard finds it, by "tfevents"; one file, written anew by a run that goes on. */
const EVENTS = 'events.out.tfevents.1.controllab';

/** A PNG with the size that its header tells. */
async function eventImage(file: string): Promise<EventImage[]> {
  const png = await readFile(file).catch(() => null);
  return png === null ? [] : [{ png, width: png.readUInt32BE(16), height: png.readUInt32BE(20) }];
}

/** A line of the log for TensorBoard; none of pictures that were drawn under another setting. */
async function eventsOf(line: LogLine, setting: PageSetting): Promise<Event[]> {
  const { pictures, validation } = setting;
  const at = { wallTime: Date.parse(line.time) / 1000, step: line.step };
  if ('loss' in line)
    return [{ ...at, values: { loss: line.loss, 'learning rate': line.lr, 'samples per second': line.samples_per_second } }];
  if (drawnLines(setting, [line]).length === 0) return [];
  const values: Record<string, number | EventImage> = {};
  for (const [name, value] of Object.entries(line.evaluation)) if (typeof value === 'number') values[name.replaceAll(' ', '-')] = value;
  for (const i of pictures.keys())
    for (const image of await eventImage(path.join(validation, pictureName(line.step, i)))) values[`validation/${i + 1}`] = image;
  return [{ ...at, values }];
}

/** Follows a training: TensorBoard's events and a page, both made from the log, that of before a resume included. */
export function observe(setting: PageSetting, folders: { page: string; tensorboard: string }): Observer {
  const lines: LogLine[] = [];
  const events = path.join(folders.tensorboard, EVENTS);
  let written = -Infinity;
  const write = async (state: 'running' | 'finished'): Promise<void> => {
    await writeReport(folders.page, await pageOf(setting, lines, state), { overwrite: false });
    written = performance.now();
  };
  let begun = false;
  return {
    async onRecord(more) {
      // Not spread: of a training that goes on they are the whole log.
      for (const line of more) lines.push(line);
      const encoded: Event[] = [];
      for (const line of more) encoded.push(...(await eventsOf(line, setting)));
      if (begun) appendFileSync(events, encodeEvents(encoded));
      else {
        await mkdir(folders.tensorboard, { recursive: true });
        await writeAtomic(events, Buffer.concat([eventFileStart(encoded[0]?.wallTime ?? 0), encodeEvents(encoded)]));
        begun = true;
      }
      if (performance.now() - written > PAGE_MS) await write('running');
    },
    finish: () => write('finished'),
  };
}

export interface Observer {
  readonly onRecord: NonNullable<TrainingOptions['onRecord']>;
  /** The page as it stays. */
  finish(): Promise<void>;
}
