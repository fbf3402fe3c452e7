import { readFileSync } from 'node:fs';

/** Widest first. */
const INSTRUCTION_SETS = ['amx_int8', 'avx512f', 'avx2', 'avx', 'sse4_2'] as const;

/** The widest vector instructions of this processor, such as `avx512f`; elsewhere than on Linux the architecture's name. */
export function instructionSet(): string {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? []);
    return INSTRUCTION_SETS.find((name) => flags.has(name)) ?? process.arch;
  } catch {
    return process.arch;
  }
}
