import { aesthetic } from '../metrics/aesthetic.ts';
import { c2st } from '../metrics/c2st.ts';
import { clip } from '../metrics/clip.ts';
import { cmmd } from '../metrics/cmmd.ts';
import { depth } from '../metrics/depth.ts';
import { edges } from '../metrics/edges.ts';
import { fid } from '../metrics/fid.ts';
import { inceptionScore } from '../metrics/inception-score.ts';
import { kid } from '../metrics/kid.ts';
import { mind } from '../metrics/mind.ts';
import { miou } from '../metrics/miou.ts';
import { prdc } from '../metrics/prdc.ts';
import { ssim } from '../metrics/ssim.ts';
import type { Metric, Need } from './metric.ts';

/** What can be measured, by the names that `--metrics` takes. */
export const METRICS = {
  fid,
  kid,
  prdc,
  mind,
  c2st,
  is: inceptionScore,
  clip,
  aesthetic,
  cmmd,
  edges,
  ssim,
  depth,
  miou,
} satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** The declaration of a metric. */
export const metricOf = (name: MetricName): Metric => METRICS[name];

/** Of every metric, in the table's order. */
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The metrics among these that need something. */
export const needing = (metrics: readonly MetricName[], need: Need): MetricName[] =>
  metrics.filter((name) => metricOf(name).needs.includes(need));

/** Whether any of the metrics needs it. */
export const needs = (metrics: readonly MetricName[], need: Need): boolean => needing(metrics, need).length > 0;
