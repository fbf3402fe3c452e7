/**
 * What a person at a terminal is told of an error. Errors of the house and of the system say in their message what is wrong with the
 * input or the machine; of any other, a mistake of ours, the stack is needed too.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  // Node's own mistakes have codes as well: ERR_INVALID_ARG_TYPE.
  return typeof code === 'string' && !code.startsWith('ERR_') ? error.message : (error.stack ?? error.message);
}

/** Does a program's work. What it throws goes to stderr, and the exit code becomes 1. */
export async function runProgram(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`\n${describe(error)}\n`);
    process.exitCode = 1;
  }
}
