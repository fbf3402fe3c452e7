import path from 'node:path';

/**
 * The floors of the house: a workspace may import only from the floors below it.
 * Siblings (same floor) never import each other.
 */
export const FLOORS = [
  ['packages/python-peer', 'packages/data'],
  ['packages/command-line'],
  ['packages/tfjs-onnx', 'packages/report', 'datasets/emoji-scenes', 'datasets/fill50k'],
  ['packages/core-blocks'],
  ['packages/diffusion'],
  ['packages/controlnet', 'packages/controlnext', 'packages/metrics', 'packages/training', 'packages/data-scaling'],
  ['packages/base-model'],
  ['packages/mini-sd'],
  ['fixtures'],
  ['experiments'],
];

/**
 * What of experiments/src only these others import, tests aside: a declaration is what an experiment is, and `train/` is a user's own,
 * and `verify/` reads what was published. What comparisons share with any of them lies in `runner/` or beside the folders.
 */
export const OPEN_TO = {
  declarations: ['commands.ts'],
  train: ['commands.ts', 'fuzz'],
  verify: ['commands.ts'],
};

const floorOf = (workspace) => FLOORS.findIndex((floor) => floor.includes(workspace));
const workspaceOfName = (name) => FLOORS.flat().find((workspace) => workspace.endsWith(`/${name}`) || workspace === name);

/** The workspace folder a file lies in ("packages/core-blocks"), or undefined outside all of them. */
export const workspaceOfFile = (root, file) => {
  const relative = path.relative(root, file).split(path.sep).join('/');
  return FLOORS.flat().find((workspace) => relative.startsWith(`${workspace}/`));
};

/** The first part of a path in experiments/src, of a file or a folder; undefined elsewhere. */
const partOf = (root, file) => /^experiments\/src\/([^/]+)/.exec(path.relative(root, file).split(path.sep).join('/'))?.[1];

/** Tests, and the programs that they start, see whatever they try. */
const isOfTests = (file) => /\.test\.ts$|\/testing\//.test(file.split(path.sep).join('/'));

/** Why a file of experiments/src may not import another, or null if it may. */
const folderViolation = (root, importer, specifier) => {
  const [from, to] = [partOf(root, importer), partOf(root, path.resolve(path.dirname(importer), specifier))];
  const open = Object.hasOwn(OPEN_TO, to ?? '') ? OPEN_TO[to] : null;
  if (open === null || from === to || open.includes(from) || isOfTests(importer)) return null;
  return `experiments/src/${from} may not import '${specifier}': only ${open.join(' and ')} import from ${to}/ (tools/eslint-floors.mjs)`;
};

/** Why `importer` may not import `specifier`, or null if it may. */
export const violation = (root, importer, specifier) => {
  const from = workspaceOfFile(root, importer);
  if (from === undefined) return null;
  if (specifier.startsWith('.')) {
    const target = workspaceOfFile(root, path.resolve(path.dirname(importer), specifier));
    if (target === from) return folderViolation(root, importer, specifier);
    return `'${specifier}' leaves ${from} by a relative path; import another workspace by its package name`;
  }
  const match = /^@controllab\/([^/]+)/.exec(specifier);
  if (match === null) return null;
  const to = workspaceOfName(match[1]);
  if (to === undefined) return `'${specifier}' is not on any floor; add it to tools/eslint-floors.mjs`;
  if (to === from || floorOf(to) < floorOf(from)) return null;
  return `${from} (floor ${floorOf(from)}) may not import ${to} (floor ${floorOf(to)}): a package imports only from floors below it`;
};

/** ESLint rule `controllab/floors`. */
export const floors = {
  meta: { type: 'problem', schema: [], docs: { description: 'imports go down the floors only' } },
  create(context) {
    const check = (node) => {
      if (typeof node?.value !== 'string') return;
      const message = violation(context.cwd, context.filename, node.value);
      if (message !== null) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    };
  },
};
