import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { FLOORS } from './eslint-floors.mjs';

const SKIPPED = new Set(['node_modules', 'dist', 'reports', 'runs']);
const SOURCE = /\.(ts|mts|mjs|js)$/;
/** Only a developer runs these: they may also import what the root's and their workspace's devDependencies list. */
const DEVELOPMENT = /(\.test\.(ts|mjs)$|\/(testing|bench)\/)/;

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** The package a specifier belongs to: '@scope/name/file' -> '@scope/name'; null for relative paths and Node's own modules. */
export function packageOf(specifier) {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier)) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * The packages a source imports (static, type-only, dynamic), and those that any of its string literals names, e.g. for
 * `import.meta.resolve`.
 */
export function packagesIn(text) {
  const imported = new Set(ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => packageOf(fileName)));
  imported.delete(null);
  const named = new Set([...imported, ...[...text.matchAll(/['"`]((?:@[\w.-]+\/)?[a-z][\w.-]*)(?=['"`/])/g)].map((match) => match[1])]);
  return { imported, named };
}

const sourcesUnder = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : sourcesUnder(file);
    return SOURCE.test(entry.name) ? [file] : [];
  });

/** One line for each package a workspace imports without listing it, or lists without ever naming it. */
export function dependencyProblems(root, workspace) {
  const manifest = readJson(path.join(root, workspace, 'package.json'));
  const listed = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }));
  const { devDependencies: shared, optionalDependencies } = readJson(path.join(root, 'package.json'));
  const devDependencies = { ...shared, ...manifest.devDependencies };
  const problems = [];
  const namedAnywhere = new Set();
  for (const file of sourcesUnder(path.join(root, workspace))) {
    const relative = path.relative(root, file);
    const { imported, named } = packagesIn(readFileSync(file, 'utf8'));
    for (const name of named) namedAnywhere.add(name);
    for (const name of imported) {
      const fromRoot = name in optionalDependencies || (DEVELOPMENT.test(relative) && name in devDependencies);
      if (name !== manifest.name && !listed.has(name) && !fromRoot)
        problems.push(`${relative} imports ${name}, which ${workspace}/package.json does not list`);
    }
  }
  const own = Object.keys(manifest.devDependencies ?? {}).filter((name) => !name.startsWith('@types/'));
  for (const name of [...listed, ...own])
    if (!namedAnywhere.has(name)) problems.push(`${workspace}/package.json lists ${name}, which nothing there imports`);
  for (const name of own) if (listed.has(name)) problems.push(`${workspace}/package.json lists ${name} twice`);
  return problems;
}

/** The workspaces that exist. */
export const workspaces = (root) =>
  FLOORS.flat().filter((workspace) => readdirSync(path.join(root, path.dirname(workspace))).includes(path.basename(workspace)));
