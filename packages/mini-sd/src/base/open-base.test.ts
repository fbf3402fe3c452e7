import { describe, expect, it } from 'vitest';
import { openBase } from './open-base.ts';

describe('openBase', () => {
  it('opens the embedded default and its community models by name', async () => {
    expect((await openBase('mini')).id).toBe('mini');
    expect((await openBase('mini:noto')).id).toBe('mini:noto');
    expect((await openBase('mini:core:twemoji')).id).toBe('mini:twemoji');
  });

  it('takes any other name for a published checkpoint', async () => {
    await expect(openBase('nowhere/at/all')).rejects.toMatchObject({ name: 'BaseModelError', message: /no model at nowhere\/at\/all/ });
  });

  it('names what it does not know', async () => {
    await expect(openBase('mini:apple')).rejects.toThrow(/"apple" is neither a community model \(twemoji, noto, fluent\) nor a pool/);
    await expect(openBase('mini', { config: 'x' })).rejects.toThrow(/config is for a single file/);
    await expect(openBase('mini', { vae: 'x' })).rejects.toThrow(/mini takes no vae: that is for published checkpoints/);
    await expect(openBase('mini', { loras: [{ file: 'x', weight: 1 }] })).rejects.toThrow(/mini takes no loras/);
    await expect(openBase('mini:full')).rejects.toMatchObject({ code: 'missing-weights' });
  });
});
