import type { Graph } from '@controllab/tfjs-onnx';

/** float32, and int32. */
const BYTES = 4;

/** Ops whose result is a view of their operand and takes no memory. */
const VIEWS: Readonly<Record<string, string>> = { Reshape: 'x', ExpandDims: 'input', Identity: 'x' };

type Node = Graph['nodes'][number];
type Value = Node['outputs'][number];

const bytes = ({ shape }: Value): number => BYTES * shape.reduce((a, b) => a * b, 1);

/**
 * Bytes of intermediate results in float32, by the graph alone. `sum`: of all of them, each once. `peak`: the most that are needed
 * at one time if each is freed after its last use and nodes run in order. What a kernel needs for its own work is not in it; attention
 * weights are part of that, which a fused kernel never holds whole.
 */
export function activationBytes(graph: Graph): { sum: number; peak: number } {
  const { nodes, used } = graph.live();
  const root = new Map<Value, Value>();
  const rootOf = (value: Value): Value => root.get(value) ?? value;
  for (const { op, inputs, outputs } of nodes) {
    const viewed = VIEWS[op] === undefined ? undefined : inputs[VIEWS[op]];
    if (viewed) root.set(outputs[0] as Value, rootOf(viewed));
  }
  const lastUse = new Map<Value, number>();
  nodes.forEach((node, i) => {
    for (const value of Object.values(node.inputs)) lastUse.set(rootOf(value), i);
  });
  for (const value of [...graph.outputs.values(), ...graph.nextState.values()]) lastUse.set(rootOf(value), nodes.length);

  const freedAt = new Map<number, number>();
  let [sum, live, peak] = [0, 0, 0];
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (root.has(output) || !used.has(output)) continue;
      const last = lastUse.get(output)!;
      sum += bytes(output);
      live += bytes(output);
      freedAt.set(last, (freedAt.get(last) ?? 0) + bytes(output));
    }
    peak = Math.max(peak, live);
    live -= freedAt.get(i) ?? 0;
  });
  return { sum, peak };
}
