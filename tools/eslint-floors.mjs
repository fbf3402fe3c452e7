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

const floorOf = (workspace) => FLOORS.findIndex((floor) => floor.includes(workspace));
const workspaceOfName = (name) => FLOORS.flat().find((workspace) => workspace.endsWith(`/${name}`) || workspace === name);

/** The workspace folder a file lies in ("packages/core-blocks"), or undefined outside all of them. */
export const workspaceOfFile = (root, file) => {
  const relative = path.relative(root, file).split(path.sep).join('/');
  return FLOORS.flat().find((workspace) => relative.startsWith(`${workspace}/`));
};

/** Why `importer` may not import `specifier`, or null if it may. */
export const violation = (root, importer, specifier) => {
  const from = workspaceOfFile(root, importer);
  if (from === undefined) return null;
  if (specifier.startsWith('.')) {
    const target = workspaceOfFile(root, path.resolve(path.dirname(importer), specifier));
    return target === from ? null : `'${specifier}' leaves ${from} by a relative path; import another workspace by its package name`;
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
