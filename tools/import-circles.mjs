import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const SKIPPED = new Set(['node_modules', 'dist', 'reports', 'runs']);

/** The relative modules that a source takes a value from: types are gone when the program runs, and may point anywhere. */
export function valueImports(text, fileName = 'source.ts') {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest);
  const found = [];
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !moduleSpecifier.text.startsWith('.')) continue;
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : statement;
    const named = ts.isImportDeclaration(statement) ? clause?.namedBindings : clause.exportClause;
    const types =
      clause?.isTypeOnly || (clause?.name === undefined && named?.elements?.length > 0 && named.elements.every((one) => one.isTypeOnly));
    if (!types) found.push(moduleSpecifier.text);
  }
  return found;
}

const sourcesUnder = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : sourcesUnder(file);
    return /\.(ts|mjs)$/.test(entry.name) ? [file] : [];
  });

/** Tarjan's strongly connected components with more than one member. @param graph files by the files they import */
export function circles(graph) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      // A component that is complete has left the stack.
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    if (component.length > 1) found.push(component.reverse());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** The circles by value among a workspace's own files; between workspaces the floors leave none. */
export function importCircles(root, workspace) {
  const graph = new Map(
    sourcesUnder(path.join(root, workspace)).map((file) => [
      file,
      valueImports(readFileSync(file, 'utf8'), file)
        .map((specifier) => path.resolve(path.dirname(file), specifier))
        .filter(existsSync),
    ]),
  );
  return circles(graph).map((files) => files.map((file) => path.relative(root, file)));
}
