import { describe, expect, it } from 'vitest';
import { spacedTimesteps } from './spacing.ts';

describe('spacedTimesteps', () => {
  it('spaces as diffusers does', () => {
    expect(spacedTimesteps(1000, 4, 'leading')).toEqual([750, 500, 250, 0]);
    expect(spacedTimesteps(1000, 4, 'leading', 1)).toEqual([751, 501, 251, 1]);
    expect(spacedTimesteps(1000, 4, 'trailing')).toEqual([999, 749, 499, 249]);
    expect(spacedTimesteps(1000, 4, 'linspace')).toEqual([999, 666, 333, 0]);
    expect(spacedTimesteps(1000, 3, 'leading')).toEqual([666, 333, 0]);
  });
  it('rounds halves to even like NumPy', () => {
    expect(spacedTimesteps(1000, 3, 'linspace')).toEqual([999, 500, 0]); // 499.5
    expect(spacedTimesteps(10, 4, 'trailing')).toEqual([9, 7, 4, 1]); // 10, 7.5, 5, 2.5
  });
  it('refuses what does not fit', () => {
    expect(() => spacedTimesteps(10, 11)).toThrow(/\[1, 10\], got 11/);
    expect(() => spacedTimesteps(10, 10, 'leading', 1)).toThrow(/leaves \[0, 10\)/);
  });
});
