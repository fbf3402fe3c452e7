import { float } from '../onnx/builder.ts';
import { sizeOf, type Shape } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';

/** dy * silu'(z) from y = silu(z) and s = sigmoid(z): silu' = s + y - s y. */
function siluBackward(l: Lowering, dy: string, y: string, s: string): string {
  return l.g.op('Mul', [dy, l.g.op('Add', [l.g.op('Mul', [l.g.op('Sub', [l.g.scalar(1), y]), s]), y])]);
}

/** One fused kernel where nothing needs the sigmoid afterwards. WebGPU has the same operator. */
function siluForward(l: Lowering, x: string): string {
  return l.g.microsoft('QuickGelu', [x], { alpha: float(1) });
}

defineOp({ name: 'nn.Silu', infer: ({ x }) => ({ shape: x!.shape }), lower: (l) => siluForward(l, l.in('x')) });
defineOp({
  name: 'nn.SiluGrad',
  infer: ({ x }) => ({ shape: x!.shape }),
  lower: (l) => siluBackward(l, l.in('dy'), l.in('y'), l.g.op('Sigmoid', [l.in('x')])),
});

defineOp({ name: 'nn.Gelu', infer: ({ x }) => ({ shape: x!.shape }), lower: (l) => l.g.op('Gelu', [l.in('x')]) });
defineOp({
  name: 'nn.GeluGrad',
  infer: ({ x }) => ({ shape: x!.shape }),
  lower: (l) => {
    // Phi(x) + x phi(x), the normal distribution's cdf and density.
    const x = l.in('x');
    const erf = l.g.op('Erf', [l.g.op('Mul', [x, l.g.scalar(Math.SQRT1_2)])]);
    const cdf = l.g.op('Mul', [l.g.op('Add', [erf, l.g.scalar(1)]), l.g.scalar(0.5)]);
    const density = l.g.op('Exp', [l.g.op('Mul', [l.g.op('Mul', [x, x]), l.g.scalar(-0.5)])]);
    const slope = l.g.op('Mul', [l.g.op('Mul', [x, density]), l.g.scalar(1 / Math.sqrt(2 * Math.PI))]);
    return l.g.op('Mul', [l.in('dy'), l.g.op('Add', [cdf, slope])]);
  },
});

interface GroupNormAttributes {
  numGroups: number;
  eps: number;
  silu: boolean;
}

const spatial = (shape: Shape): [number, number, number] => [shape[0]!, shape[1]!, sizeOf(shape.slice(2))];

/** Outputs y, and for the gradient: x normalised, 1/std per group, sigmoid of the affine result. */
defineOp<GroupNormAttributes>({
  name: 'nn.GroupNorm',
  infer: ({ x }, { numGroups }) => {
    const [n, c, hw] = spatial(x!.shape);
    return [{ shape: x!.shape }, { shape: [n, c, hw] }, { shape: [n * numGroups, 1] }, { shape: [n, c, hw] }];
  },
  lower: (l, { numGroups, eps, silu }) => {
    const [n, c, hw] = spatial(l.shape('x'));
    const m = (c / numGroups) * hw;
    // LayerNormalization over [N*G, M] is ONNX Runtime's fastest one-pass normalisation, and it returns 1/std.
    const [rows, , rstd] = l.g.ops('LayerNormalization', [l.reshape(l.in('x'), [n * numGroups, m]), l.g.ones(m)], 3, {
      axis: -1,
      epsilon: float(eps),
    }) as [string, string, string];
    const normal = l.reshape(rows, [n, c, hw]);
    const z = l.g.op('Add', [l.g.op('Mul', [normal, l.reshape(l.in('weight'), [c, 1])]), l.reshape(l.in('bias'), [c, 1])]);
    if (!silu) return [l.reshape(z, l.shape('x')), normal, rstd, z];
    if (!l.used(3)) return [l.reshape(siluForward(l, z), l.shape('x')), normal, rstd, z];
    const gate = l.g.op('Sigmoid', [z]);
    return [l.reshape(l.g.op('Mul', [z, gate]), l.shape('x')), normal, rstd, gate];
  },
});

defineOp<GroupNormAttributes>({
  name: 'nn.GroupNormGrad',
  infer: ({ dy, weight }) => [{ shape: dy!.shape }, { shape: weight!.shape }, { shape: weight!.shape }],
  lower: (l, { numGroups, silu }) => {
    const { g } = l;
    const [n, c, hw] = spatial(l.shape('dy'));
    const perGroup = c / numGroups;
    const m = perGroup * hw;
    const sum = (x: string, axis: number, keepdims = 0): string => g.op('ReduceSum', [x, g.int64([axis])], { keepdims });
    const normal = l.in('normal');
    const dy = l.reshape(l.in('dy'), [n, c, hw]);
    const dz = silu ? siluBackward(l, dy, l.reshape(l.in('y'), [n, c, hw]), l.in('gate')) : dy;
    // Sums over space per channel; everything between here and dx works on [N, C] at most.
    const a = sum(dz, 2);
    const q = sum(g.op('Mul', [dz, normal]), 2);
    const weight = l.reshape(l.in('weight'), [1, numGroups, perGroup]);
    const rstd = l.reshape(l.in('rstd'), [n, numGroups, 1]);
    const groupSum = (x: string): string => sum(g.op('Mul', [l.reshape(x, [n, numGroups, perGroup]), weight]), 2, 1);
    const scaled = g.op('Mul', [rstd, g.scalar(-1 / m)]);
    const perChannel = (x: string): string => l.reshape(g.op('Expand', [x, g.int64([n, numGroups, perGroup])]), [n, c, 1]);
    const slope = l.reshape(g.op('Mul', [rstd, weight]), [n, c, 1]);
    const towardsNormal = perChannel(g.op('Mul', [scaled, groupSum(q)]));
    const towardsMean = perChannel(g.op('Mul', [scaled, groupSum(a)]));
    const dx = g.op('Add', [g.op('Mul', [dz, slope]), g.op('Add', [g.op('Mul', [normal, towardsNormal]), towardsMean])]);
    return [l.reshape(dx, l.shape('dy')), sum(q, 0), sum(a, 0)];
  },
});

defineOp<{ eps: number }>({
  name: 'nn.LayerNorm',
  infer: ({ x }) => {
    const rows = sizeOf(x!.shape.slice(0, -1));
    return [{ shape: x!.shape }, { shape: [rows, 1] }, { shape: [rows, 1] }];
  },
  lower: (l, { eps }) => {
    const c = l.shape('weight')[0]!;
    const [y, mean, rstd] = l.g.ops(
      'LayerNormalization',
      [l.reshape(l.in('x'), [sizeOf(l.shape('x')) / c, c]), l.in('weight'), l.in('bias')],
      3,
      { axis: -1, epsilon: float(eps) },
    ) as [string, string, string];
    return [l.reshape(y, l.shape('x')), mean, rstd];
  },
});

defineOp({
  name: 'nn.LayerNormGrad',
  infer: ({ x, weight }) => [{ shape: x!.shape }, { shape: weight!.shape }, { shape: weight!.shape }],
  lower: (l) => {
    const { g } = l;
    const c = l.shape('weight')[0]!;
    const flat = [sizeOf(l.shape('x')) / c, c];
    const dy = l.reshape(l.in('dy'), flat);
    const normal = g.op('Mul', [g.op('Sub', [l.reshape(l.in('x'), flat), l.in('mean')]), l.in('rstd')]);
    const sum = (x: string): string => g.op('ReduceSum', [x, g.int64([0])], { keepdims: 0 });
    const mean = (x: string): string => g.op('ReduceMean', [x, g.int64([1])], { keepdims: 1 });
    const dn = g.op('Mul', [dy, l.in('weight')]);
    const inner = g.op('Sub', [g.op('Sub', [dn, mean(dn)]), g.op('Mul', [normal, mean(g.op('Mul', [dn, normal]))])]);
    return [l.reshape(g.op('Mul', [l.in('rstd'), inner]), l.shape('x')), sum(g.op('Mul', [dy, normal])), sum(dy)];
  },
});
