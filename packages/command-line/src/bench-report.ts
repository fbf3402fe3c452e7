import os from 'node:os';
import { instructionSet } from './instruction-set.ts';

/** What a bench says of the machine. @param loadBefore its load average before the bench began */
export const benchMachine = (threads: number, loadBefore: number) => ({
  cpu: os.cpus()[0]?.model ?? 'unknown',
  instructionSet: instructionSet(),
  threads,
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
  loadAverage: { before: loadBefore, after: os.loadavg()[0]! },
});

/** Prints a bench's JSON, indented, but with lists of samples on one line. */
export function printBench(report: object): void {
  process.stdout.write(`${JSON.stringify(report, null, 2).replace(/\[[-\d.e+,\s]+\]/g, (list) => list.replace(/\s+/g, ' '))}\n`);
}
