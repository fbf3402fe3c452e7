import { storedBytes, type Cost, type Graph } from './graph.ts';
import { OPS } from './ops/index.ts';
import { sizeOf } from './types.ts';

/** Counts of a traced graph, at any scale without allocating a weight. */
export function cost(graph: Graph): Cost {
  const { nodes, used } = graph.live();
  const elements = (values: Iterable<{ shape: readonly number[] }>): number => [...values].reduce((sum, v) => sum + sizeOf(v.shape), 0);
  return {
    macs: nodes.reduce((sum, node) => sum + (OPS.get(node.op)?.macs?.(node) ?? 0), 0),
    constantElements: elements(graph.constants.values()),
    stateElements: elements(graph.state.values()),
    constantBytes: [...graph.constants.values()].reduce(
      (sum, v) => sum + (v.source.kind === 'constant' ? storedBytes(v.source.tensor) : 0),
      0,
    ),
    activationBytes: 4 * elements(nodes.flatMap((node) => node.outputs.filter((value) => used.has(value)))),
  };
}
