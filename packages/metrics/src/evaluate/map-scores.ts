import type { DecodedImage } from '@controllab/data';
import { MapReader } from './map-reader.ts';
import { metricOf, needs, type MetricName } from './metric-table.ts';
import type { Question } from './question.ts';
import type { SetSummary } from './read-set.ts';
import type { Scores } from './score.ts';

/** The sets of maps that were read. */
export interface ReadMaps {
  readonly condition: SetSummary | null;
  readonly predicted: SetSummary | null;
}

/** Metrics of images beside their maps, while the images are read. */
export interface MapScores {
  readonly read: ReadMaps;
  add(name: string, image: DecodedImage): Promise<void>;
  finish(): Map<MetricName, Scores>;
  /** To be called however reading ends. */
  close(): Promise<void>;
}

/** Starts the metrics that see each image beside the map of its condition; nothing is read where there is none of them. */
export function scoreMaps({ metrics, generated, conditions, predicted, canny }: Question): MapScores {
  const started = metrics.flatMap((name) => {
    const metric = metricOf(name);
    return 'start' in metric ? [{ name, ...metric.start({ canny }) }] : [];
  });
  if (started.length === 0)
    return { read: { condition: null, predicted: null }, add: async () => {}, finish: () => new Map(), close: async () => {} };
  const images = generated.names!;
  const wanted = new MapReader(conditions!, images);
  const found = needs(metrics, 'predicted') ? new MapReader(predicted!, images) : null;
  return {
    read: { condition: wanted.read, predicted: found?.read ?? null },
    async add(name, image) {
      const condition = await wanted.of(name, image);
      const pair = { name, image, condition, predicted: (await found?.of(name, image)) ?? null };
      for (const metric of started) await metric.add(pair);
    },
    finish: () =>
      new Map(
        started.map(({ name, finish }, i) => {
          const scores = finish();
          return [name, i === 0 ? { ...scores, notes: [...scores.notes, ...wanted.leftOut(), ...(found?.leftOut() ?? [])] } : scores];
        }),
      ),
    async close() {
      await wanted.close();
      await found?.close();
    },
  };
}
