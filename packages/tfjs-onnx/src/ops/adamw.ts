import { sizeOf } from '../types.ts';
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
    const whole = l.shape('p');
    // ONNX Runtime takes [O, C, 1, 1] with a scalar number by number, at a twentieth of a vector's speed.
    const shape = whole.at(-1) === 1 ? [sizeOf(whole)] : whole;
    const flat = (name: string): string => l.reshape(l.in(name), shape);
    const grad = flat('g');
    const m = g.op('Add', [g.op('Mul', [flat('m'), g.scalar(beta1)]), grad]);
    const v = g.op('Add', [g.op('Mul', [flat('v'), g.scalar(beta2)]), g.op('Mul', [grad, grad])]);
    const denominator = g.op('Add', [g.op('Sqrt', [g.op('Mul', [v, l.operand('scale')])]), l.operand('offset')]);
    const p = g.op('Sub', [g.op('Mul', [flat('p'), l.operand('decay')]), g.op('Div', [m, denominator])]);
    return [p, m, v].map((next) => l.reshape(next, whole));
  },
});
