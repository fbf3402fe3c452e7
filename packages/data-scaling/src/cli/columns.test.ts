import { expect, it } from 'vitest';
import { columnsOf, type ColumnFlags } from './columns.ts';

const fail = (message: string): never => {
  throw new Error(message);
};
/** "N params, loss Loss": which quantity is read from which column, with its factor where that is not one. */
const read = (header: string, flags: ColumnFlags = {}): string =>
  columnsOf(header.split(','), flags, fail)
    .map(({ quantity, name, factor }) => `${quantity} ${name}${factor === 1 ? '' : ` ${factor}`}`)
    .join(', ');

it('a column that a flag names is no other quantity', () => {
  expect(read('size,loss')).toBe('D size, loss loss');
  expect(read('size,loss', { params: 'size' })).toBe('N size, loss loss');
  expect(() => read('size,loss', { params: 'size', examples: 'size' })).toThrow('--params and --examples both name the column "size"');
  expect(() => read('size,params,loss')).toThrow('"size" may be the size of the model or of its data: name it with --examples, or give');
  expect(read('size,params,loss', { examples: 'size' })).toBe('N params, D size, loss loss');
  expect(() => read('size,y', { params: 'sizes' })).toThrow('has no column "sizes" (--params); its columns are size, y');
});

it('single letters count where no word is known, and of two words none is taken', () => {
  expect(read('n,l,d,tokens,final_loss')).toBe('N n, D tokens, loss final_loss');
  expect(read('N,D,L')).toBe('N N, D D, loss L');
  expect(() => read('N,params,model size,loss')).toThrow('N could be "params" or "model size": name it with --params');
  expect(() => read('N,Loss,loss')).toThrow('loss could be "Loss" or "loss": name it with --loss');
  expect(read('N,Loss,loss', { loss: 'Loss' })).toBe('N N, loss Loss');
  expect(() => read('N,loss,loss')).toThrow('has the column "loss" more than once');
});

it('units in a name are factors, or refused', () => {
  expect(read('params (M),tokens_B,loss (nats)')).toBe('N params (M) 1000000, D tokens_B 1000000000, loss loss (nats)');
  expect(read('model size in billions,Training FLOP [10^18],loss')).toBe(
    'N model size in billions 1000000000, C Training FLOP [10^18] 1000000000000000000, loss loss',
  );
  expect(read('N (params),D (tokens),compute (FLOPs),loss')).toBe('N N (params), D D (tokens), C compute (FLOPs), loss loss');
  expect(() => read('N (tokens),loss')).toThrow(/^"N \(tokens\)" has a unit that is not known/);
  expect(() => read('params (млн),loss')).toThrow(/^"params \(млн\)" has a unit that is not known/);
  expect(read('params (млн),loss', { params: 'params (млн)' })).toBe('N params (млн), loss loss');
  // Of a column that a flag names, whatever else it is called.
  const flags = { params: 'nonemb_params_M', examples: 'seen in billions', loss: 'loss_k' };
  expect(read('nonemb_params_M,seen in billions,loss_k', flags)).toBe(
    'N nonemb_params_M 1000000, D seen in billions 1000000000, loss loss_k',
  );
  expect(read('N_M,D_B,loss', { params: 'N_M', examples: 'D_B' })).toBe('N N_M 1000000, D D_B 1000000000, loss loss');
  expect(read('N_M,D (B),C_10^18,loss')).toBe('N N_M 1000000, D D (B) 1000000000, C C_10^18 1000000000000000000, loss loss');
  // The width of a head is no number of examples.
  expect(read('params,d_k,loss')).toBe('N params, loss loss');
  expect(read('params,D_k,loss')).toBe('N params, loss loss');
});
