import path from 'node:path';
import { TfjsOnnxError } from './errors.ts';
import type { Graph, Node, Value, ValueType } from './graph.ts';
import { GraphBuilder, type OnnxType } from './onnx/builder.ts';
import { OPS, upsampledConvolution, type Lowering, type Provider } from './ops/index.ts';
import { isExternal, isHost, type Shape } from './types.ts';

export interface LowerOptions {
  provider: Provider;
  /** More than 1: the model runs that many steps of the function per call, over stacked inputs. */
  stepsPerRun: number;
  /** Folder the model file will lie in, or null without external tensors, which must lie in or below it and are named relative to it. */
  directory: string | null;
}

/** Begins the names of the ONNX nodes that the i-th live node of a graph becomes. ONNX Runtime, fusing nodes, adds to the end of a name. */
const nodeLabel = (i: number): string => `${i}/`;

/** Which live node of a graph a node of ONNX Runtime's comes from, by its name; null for one that ONNX Runtime has added. */
export function labelledNode(name: string): number | null {
  const label = /^(\d+)\//.exec(name)?.[1];
  return label === undefined ? null : Number(label);
}

/** The nodes that a model is written from, in order, after rewriting, and the values something reads. */
export const loweredNodes = (graph: Graph): { nodes: Node[]; used: Set<Value> } => graph.live(upsampledConvolution);

/** Prefixes keep a name free that is both an input and an output, as every state tensor is. */
export const NEXT = 'next ';
export const OUT = 'out ';

/** Writes one function body: constants and nodes, given the ONNX names of inputs and state. */
function lowerBody(
  graph: Graph,
  g: GraphBuilder,
  named: Map<Value, string>,
  { provider, directory }: LowerOptions,
): (value: Value) => string {
  const { nodes, used } = loweredNodes(graph);
  const views = new Map<string, string>();
  // A view of a view is a view of the first, and one of its own shape is no view at all.
  const reshaped = new Map<string, string>();
  const shapes = new Map<string, string>();

  const remember = (value: Value, name: string): void => {
    named.set(value, name);
    shapes.set(name, value.shape.join());
  };
  for (const [value, name] of named) remember(value, name);
  const nameOf = (value: Value): string => {
    const known = named.get(value);
    if (known !== undefined) return known;
    const name = materialise(value);
    remember(value, name);
    return name;
  };
  const materialise = ({ source, shape, dtype }: Value): string => {
    switch (source.kind) {
      case 'uniform':
        return dtype === 'bool'
          ? g.op('Cast', [g.uniform(source.value, shape, 'int32')], { to: 9 })
          : g.uniform(source.value, shape, dtype);
      case 'literal':
        if (source.data instanceof Uint8Array) return g.op('Cast', [g.constant(Int32Array.from(source.data), shape)], { to: 9 });
        return g.constant(source.data, shape);
      case 'constant': {
        const { tensor, name } = source;
        if (isHost(tensor)) return g.constant(tensor.data, shape, name);
        if (!isExternal(tensor))
          throw new TfjsOnnxError('missing-tensor', `constant '${name}' was declared by shape only; a graph that runs needs its data`, {
            name,
          });
        const location = path
          .relative(directory ?? '', path.resolve(tensor.file))
          .split(path.sep)
          .join('/');
        if (directory === null || location.startsWith('../') || path.isAbsolute(location)) {
          throw new TfjsOnnxError(
            'session',
            `constant '${name}' lies in ${tensor.file}, which is not in or below the model's folder ${directory ?? '(none)'}`,
            { name, file: tensor.file },
          );
        }
        const stored = g.external(tensor, location, name);
        return tensor.dtype === 'float32' ? stored : g.op('Cast', [stored], { to: 1 });
      }
      default:
        throw new TfjsOnnxError('missing-tensor', `a tensor of another trace is used as '${'name' in source ? source.name : source.kind}'`);
    }
  };

  const lowering = (node: Node): Lowering => {
    const value = (name: string): Value => {
      const v = node.inputs[name];
      if (v === undefined) throw new TfjsOnnxError('missing-tensor', `op ${node.op} has no operand '${name}'`, { op: node.op });
      return v;
    };
    return {
      g,
      provider,
      node,
      in: (name) => nameOf(value(name)),
      has: (name) => node.inputs[name] !== undefined,
      operand: (name) => {
        const v = value(name);
        const others = Object.values(node.inputs).filter((other) => other !== v);
        // A scalar broadcasts to anything, but something must still bring the full shape, axes of length 1 too.
        const full = others.some((other) => other.shape.join() === node.outputs[0]!.shape.join());
        return v.source.kind === 'uniform' && v.dtype !== 'bool' && full ? g.scalar(v.source.value, v.dtype) : nameOf(v);
      },
      shape: (name) => value(name).shape,
      used: (output) => used.has(node.outputs[output]!),
      reshape: (x, shape) => {
        const base = reshaped.get(x) ?? x;
        if (shapes.get(base) === shape.join()) return base;
        const view = memo(views, `${base} as ${shape.join()}`, () => g.op('Reshape', [base, g.int64(shape)]));
        reshaped.set(view, base);
        return view;
      },
      transpose: (x, permutation) =>
        permutation.every((p, i) => p === i)
          ? x
          : memo(views, `${x} by ${permutation.join()}`, () => g.op('Transpose', [x], { perm: permutation })),
    };
  };

  for (const [i, node] of nodes.entries()) {
    const op = OPS.get(node.op)!;
    g.label = nodeLabel(i);
    const names = op.lower(lowering(node), node.attributes as never);
    (Array.isArray(names) ? names : [names]).forEach((name, i) => remember(node.outputs[i]!, name));
  }
  return nameOf;
}

/** Reshapes and transposes of the same tensor are written once. */
function memo(map: Map<string, string>, key: string, make: () => string): string {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

const onnxType = (dtype: ValueType): OnnxType => dtype;

/** Lowers a traced graph to a serialised ONNX model. Inputs and state keep their names; outputs are 'out NAME', next state 'next NAME'. */
export function lower(graph: Graph, options: LowerOptions): Uint8Array {
  const g = new GraphBuilder();
  const named = new Map<Value, string>();
  const stacked = (shape: Shape): Shape => (options.stepsPerRun > 1 ? [options.stepsPerRun, ...shape] : shape);
  for (const [name, value] of graph.inputs) named.set(value, g.input(name, stacked(value.shape), onnxType(value.dtype)));
  for (const [name, value] of graph.state) named.set(value, g.input(name, value.shape, onnxType(value.dtype)));
  if (options.stepsPerRun > 1) {
    lowerLoop(graph, g, named, options);
    return g.model();
  }
  const nameOf = lowerBody(graph, g, named, options);
  for (const [name, value] of graph.outputs) g.output(nameOf(value), OUT + name, value.shape, onnxType(value.dtype));
  for (const [name, value] of graph.nextState) g.output(nameOf(value), NEXT + name, value.shape, onnxType(value.dtype));
  return g.model();
}

/**
 * The function as the body of an ONNX Loop: state stays inside ONNX Runtime between steps. Every run's outputs are
 * copied to JavaScript, which for weights and moments costs a fifth of a small model's step; here it is paid once per K.
 */
function lowerLoop(graph: Graph, g: GraphBuilder, outer: Map<Value, string>, options: LowerOptions): void {
  const body = new GraphBuilder(g);
  const iteration = body.input(body.fresh('iteration'), [], 'int64');
  const condition = body.input(body.fresh('condition'), [], 'bool');
  const named = new Map<Value, string>();
  for (const value of graph.inputs.values()) named.set(value, body.op('Gather', [outer.get(value)!, iteration], { axis: 0 }));
  for (const value of graph.state.values()) named.set(value, body.input(body.fresh('carried'), value.shape, onnxType(value.dtype)));
  const nameOf = lowerBody(graph, body, named, options);
  body.output(condition, body.fresh('continue'), [], 'bool');
  for (const value of graph.nextState.values()) body.output(nameOf(value), body.fresh('next'), value.shape, onnxType(value.dtype));
  for (const value of graph.outputs.values()) body.output(nameOf(value), body.fresh('scan'), value.shape, onnxType(value.dtype));

  const count = g.constant(BigInt64Array.of(BigInt(options.stepsPerRun)), []);
  const results = g.ops(
    'Loop',
    [count, '', ...[...graph.state.values()].map((value) => outer.get(value)!)],
    graph.nextState.size + graph.outputs.size,
    { body },
  );
  let i = 0;
  for (const [name, value] of graph.nextState) g.output(results[i++]!, NEXT + name, value.shape, onnxType(value.dtype));
  for (const [name, value] of graph.outputs)
    g.output(results[i++]!, OUT + name, [options.stepsPerRun, ...value.shape], onnxType(value.dtype));
}
