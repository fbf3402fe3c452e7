import { expect, it } from 'vitest';
import { foreignFile } from './foreign-file.ts';

it.each([
  ['a zip archive', Buffer.from('PK\x03\x04')],
  ['a pickle', Buffer.from([0x80, 2])],
])('says of %s how its tensors alone are converted, and what to do where that is refused', (what, start) => {
  const message = foreignFile(start)!;
  expect(message).toContain(`is ${what}`);
  expect(message).toContain('{k: v.contiguous().clone() for k, v in d.items() if isinstance(v, torch.Tensor)}');
  expect(message).toMatch(/take the \.safetensors that is published .* Where torch\.load refuses it .*only the published \.safetensors/);
});
