export { encodePng } from './encode-png.ts';
export { imageSheet, type RgbImage } from './image-sheet.ts';
export { type Estimate, meanInterval, pairedDifferenceInterval } from './interval.ts';
export type * from './report.ts';
export { ReportError, type ReportErrorCode } from './report-error.ts';
export { currentCommit, machine } from './provenance.ts';
export { type Verdict, type VerdictRule, verdict } from './verdict.ts';
export { writeAtomic } from './write-atomic.ts';
export { writeReport } from './write-report.ts';
