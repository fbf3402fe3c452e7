// Starts the program for a target, without a shell: every argument arrives as it was typed.
const { spawn } = require('node:child_process');
const path = require('node:path');

/**
 * What was typed behind the target, or null where nx runs it for another reason (run-many, a dependency).
 * @param argv nx's own command line
 */
function typedArguments(argv, project, target) {
  const at = argv.findIndex((word) => word === `${project}:${target}` || word.startsWith(`${project}:${target}:`));
  // `nx <target> <project>`
  const infix = argv.findIndex((word, i) => word === target && argv[i + 1] === project);
  if (at < 0 && infix < 0) return null;
  const typed = at < 0 ? argv.slice(infix + 2) : argv.slice(at + 1);
  const dashes = typed.indexOf('--');
  return dashes < 0 ? typed : [...typed.slice(0, dashes), ...typed.slice(dashes + 1)];
}

/** The configuration that a target's name carries: there is none, and nx would run the target without a word. */
function namedConfiguration(argv, project, target) {
  const word = argv.find((one) => one.startsWith(`${project}:${target}:`));
  return word?.slice(`${project}:${target}:`.length);
}

module.exports = async function run({ command, unparsed }, context) {
  const { CONTROLLAB_NX_ARGV: known, ...env } = process.env;
  const argv = known === undefined ? [] : JSON.parse(known).slice(2);
  const { projectName, targetName, root, cwd } = context;
  const configuration = namedConfiguration(argv, projectName, targetName);
  if (configuration !== undefined) {
    process.stderr.write(`\n${projectName}:${targetName} has no configuration '${configuration}'. Its --help lists its options.\n`);
    return { success: false };
  }
  const words = [...(command ?? [targetName]), ...(typedArguments(argv, projectName, targetName) ?? unparsed)];
  const program = path.join(root, 'experiments', 'bin', 'controllab.mjs');
  const child = spawn(process.execPath, [program, ...words], { cwd, stdio: 'inherit', env: { ...env, CONTROLLAB_THROUGH_NX: '1' } });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve({ success: code === 0 }));
  });
};
module.exports.typedArguments = typedArguments;
