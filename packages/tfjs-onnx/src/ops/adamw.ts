import { defineOp } from './definition.ts';

/**
 * One AdamW update with scalars already folded (see adamw.ts): 11 passes over the parameters.
 *   m' = b1 m + g        v' = b2 v + g^2
 *   p' = decay p - m' / (sqrt(scale v') + offset)
 */
defineOp<{ beta1: number; beta2: number }>({
  name: 'nn.AdamW',
  infer: ({ p }) => [{ shape: p!.shape }, { shape: p!.shape }, { shape: p!.shape }],
  lower: (l, { beta1, beta2 }) => {
    const { g } = l;
    const grad = l.in('g');
    const m = g.op('Add', [g.op('Mul', [l.in('m'), g.scalar(beta1)]), grad]);
    const v = g.op('Add', [g.op('Mul', [l.in('v'), g.scalar(beta2)]), g.op('Mul', [grad, grad])]);
    const denominator = g.op('Add', [g.op('Sqrt', [g.op('Mul', [v, l.operand('scale')])]), l.operand('offset')]);
    const p = g.op('Sub', [g.op('Mul', [l.in('p'), l.operand('decay')]), g.op('Div', [m, denominator])]);
    return [p, m, v];
  },
});
