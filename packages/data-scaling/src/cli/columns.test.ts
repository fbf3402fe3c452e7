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
  expect(() => read('params (млн),loss')).toThrow(/^"params \(млн\)" has a unit that is not known/);
  expect(read('params (млн),loss', { params: 'params (млн)' })).toBe('N params (млн), loss loss');
  // The width of a head is no number of examples.
  expect(read('params,d_k,loss')).toBe('N params, loss loss');
});
