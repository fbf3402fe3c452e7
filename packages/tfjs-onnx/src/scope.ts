const path: string[] = [];

/**
 * Runs `f` under a name; nested names make the module path ("unet.down_blocks.0.resnets.1") that
 * every recorded node carries and every engine error ends with.
 */
export function withScope<T>(name: string, f: () => T): T {
  path.push(name);
  try {
    return f();
  } finally {
    path.pop();
  }
}

/** The current module path, '' at the top. */
export const currentScope = (): string => path.filter((name) => name !== '').join('.');

/** " in module a.b", or '' outside every scope: the tail of error messages. */
export const inScope = (scope = currentScope()): string => (scope === '' ? '' : ` in module ${scope}`);
