import type { GridImage, PairStudy, Report } from '../model/report.ts';
import { SAMPLE_REPORT } from './sample-report.ts';

/** A picture of one colour. */
const image = (red: number, alt: string): GridImage => ({
  rgb: new Uint8Array(3 * 64 * 64).map((_, i) => (i % 3 === 0 ? red : 40)),
  width: 64,
  height: 64,
  alt,
});

/** Twenty-five pairs: the first model's pictures are darker. */
export const SAMPLE_STUDY: PairStudy = {
  kind: 'pair-study',
  id: 'whose',
  caption: 'Pictures of **two** models <of ours>.',
  models: ['A & co', 'B'],
  pairs: Array.from({ length: 25 }, (_, i) => ({ images: [image(2 * i, `scene ${i + 1}`), image(150 + 2 * i, `scene ${i + 1}`)] })),
  beside: [{ label: 'twelve classifiers', text: '0.61 ± 0.05' }],
};

/** A report with nothing else. */
export const STUDY_REPORT: Report = {
  id: 'sample',
  title: 'A <sample>',
  takeaway: 'Look.',
  summary: '',
  claims: [],
  sections: [{ id: 'people', title: 'People', blocks: [SAMPLE_STUDY] }],
  provenance: { ...SAMPLE_REPORT.provenance, commit: '0123456789ab' },
  attribution: [],
};
