import { expect, it } from 'vitest';
import { headerGroups } from './header-groups.ts';

it('joins neighbours of one group only', () => {
  expect(headerGroups(['a', 'a', undefined, undefined, 'b', 'a'])).toEqual([
    { group: 'a', span: 2 },
    { group: undefined, span: 1 },
    { group: undefined, span: 1 },
    { group: 'b', span: 1 },
    { group: 'a', span: 1 },
  ]);
});
