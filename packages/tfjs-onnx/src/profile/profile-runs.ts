import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compileGraph, type CompiledFunction, type CompileOptions } from '../compile.ts';
import type { Node } from '../graph.ts';
import { labelledNode, loweredNodes } from '../lower.ts';
import { trace, type Signature, type Traceable } from '../trace.ts';
import type { Shape } from '../types.ts';

/** One node of ONNX Runtime's graph. */
export interface KernelTime {
  /** ONNX operator, as it ran: after ONNX Runtime's fusions. */
  readonly operator: string;
  /** What was recorded that it comes from; null for a node that ONNX Runtime has added. */
  readonly source: Node | null;
  /** Shapes of what it read, weights included. */
  readonly inputs: readonly Shape[];
  /** Milliseconds of a run, mean over the runs. */
  readonly ms: number;
}

export interface RunProfile {
  /** Milliseconds of each run as JavaScript sees it. */
  readonly calls: readonly number[];
  /** Milliseconds of a run inside ONNX Runtime, mean over the runs: its nodes, and what lies between them. */
  readonly sessionMs: number;
  /** In the order they ran. */
  readonly kernels: readonly KernelTime[];
}

/** What ONNX Runtime writes, as far as it is read. Microseconds. */
interface ProfileEvent {
  cat: string;
  name: string;
  ts: number;
  dur: number;
  args?: { op_name?: string; input_type_shape?: Record<string, number[]>[] };
}

/** The end of the name of a node's event. */
const KERNEL = '_kernel_time';

export interface ProfileOptions extends Omit<CompileOptions, 'engine' | 'stepsPerRun'> {
  /** Runs that are looked at (5), after those that fetch memory (2). */
  runs?: number;
  warmUp?: number;
}

/**
 * Compiles a function, runs it, and reads from ONNX Runtime's own profile how long each node took. Profiling costs some microseconds
 * a node: compare shares, and take times from a bench.
 * @param call runs the compiled function once; it sets the state before the first run
 * @throws TfjsOnnxError as `compile` does
 */
export async function profileRuns(
  fn: Traceable,
  signature: Signature,
  call: (compiled: CompiledFunction, run: number) => Promise<unknown>,
  { runs = 5, warmUp = 2, ...options }: ProfileOptions = {},
): Promise<RunProfile> {
  const graph = trace(fn, signature);
  const directory = mkdtempSync(path.join(os.tmpdir(), 'profile-'));
  try {
    const compiled = await compileGraph(graph, signature, { ...options, profileAt: path.join(directory, 'profile') });
    const calls: number[] = [];
    for (let run = 0; run < warmUp + runs; run++) {
      const start = performance.now();
      await call(compiled, run);
      calls.push(performance.now() - start);
    }
    await compiled.release();
    const [file] = readdirSync(directory);
    const events = JSON.parse(readFileSync(path.join(directory, file!), 'utf8')) as ProfileEvent[];
    return { calls: calls.slice(warmUp), ...readEvents(events, loweredNodes(graph).nodes, runs) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The events of the last `runs` runs, node by node. */
function readEvents(events: readonly ProfileEvent[], nodes: readonly Node[], runs: number): Pick<RunProfile, 'sessionMs' | 'kernels'> {
  const sessions = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').slice(-runs);
  const from = Math.min(...sessions.map(({ ts }) => ts));
  const perRun = (microseconds: number): number => microseconds / 1000 / runs;
  const kernels = new Map<string, { -readonly [key in keyof KernelTime]: KernelTime[key] }>();
  for (const { cat, name, ts, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith(KERNEL) || ts < from) continue;
    const known = kernels.get(name);
    if (known !== undefined) {
      known.ms += perRun(dur);
      continue;
    }
    const label = labelledNode(name);
    kernels.set(name, {
      operator: args?.op_name ?? '',
      source: label === null ? null : (nodes[label] ?? null),
      inputs: (args?.input_type_shape ?? []).flatMap((typed) => Object.values(typed)),
      ms: perRun(dur),
    });
  }
  return { sessionMs: perRun(sessions.reduce((sum, { dur }) => sum + dur, 0)), kernels: [...kernels.values()] };
}
