/**
 * What a person at a terminal is told of an error. Errors of the house and of the system say in their message what is wrong with the
 * input or the machine; of any other, a mistake of ours, the stack is needed too.
 */
function describe(error: unknown, systemProblem: (error: unknown) => string | null): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return systemProblem(error) ?? error.message;
  // Node's own mistakes have codes as well: ERR_INVALID_ARG_TYPE.
  return typeof code === 'string' && !code.startsWith('ERR_') ? error.message : (error.stack ?? error.message);
}

/** Does a program's work. What it throws goes to stderr, and the exit code becomes 1. */
export async function runProgram(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Loaded where it is needed: a mistyped flag is answered at once.
    const { plainLines, systemProblem } = await import('@controllab/data');
    // Names of files and of what is in them come from outside.
    process.stderr.write(`\n${plainLines(describe(error, systemProblem))}\n`);
    process.exitCode = 1;
  }
}
