import type { BasePart } from './base.ts';

/** Runs a part of a base once and lets go of it, also when it fails. */
export async function runOnce<In, Out>(opening: Promise<BasePart<In, Out>>, input: In): Promise<Out> {
  const part = await opening;
  try {
    return await part.run(input);
  } finally {
    await part.release();
  }
}
