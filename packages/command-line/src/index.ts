export { benchMachine, printBench } from './bench-report.ts';
export { CommandLineError } from './errors.ts';
export { instructionSet } from './instruction-set.ts';
export { providerOption } from './options.ts';
export { commandText, explainUnknown, parseFlags, runCommand } from './parse.ts';
export { userPath, workspaceRoot } from './paths.ts';
export { runProgram } from './run-program.ts';
export { shellText } from './shell-text.ts';
export { finite, integer, named, names, repeatable, seed, share } from './values.ts';
