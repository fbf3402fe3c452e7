import { describe, expect, it } from 'vitest';
import { MEMBERS } from '../names.ts';
import { openBase } from './open-base.ts';

describe('openBase', () => {
  it('opens the embedded default and its community models by name', async () => {
    expect((await openBase('mini')).id).toBe('mini');
    expect((await openBase('mini:noto')).id).toBe('mini:noto');
    expect((await openBase('mini:core:twemoji')).id).toBe('mini:twemoji');
  });

  it.each(Object.entries(MEMBERS))('opens %s, a U-Net of %i channels beside the same text encoder and autoencoder', async (name, width) => {
    const [base, mini] = [await openBase(name), await openBase('mini')];
    expect(base.id).toBe(name);
    expect(base.weights['unet.conv_in.weight']!.shape).toEqual([width, 4, 3, 3]);
    expect(base.hashes).toEqual({ ...mini.hashes, unet: base.hashes['unet'] });
    expect(base.hash).not.toBe(mini.hash);
    await expect(openBase(name, { vae: 'x' })).rejects.toThrow(`${name} takes no vae`);
  });

  it('takes any other name for a published checkpoint', async () => {
    await expect(openBase('nowhere/at/all')).rejects.toMatchObject({ name: 'BaseModelError', message: /no model at nowhere\/at\/all/ });
  });

  it('names what it does not know', async () => {
    await expect(openBase('mini:twemoji:noto')).rejects.toThrow(
      /names two of a kind, "twemoji" and "noto": a base has one community model/,
    );
    await expect(openBase('mini:core:full')).rejects.toThrow(/"core" and "full": a base has one pool of objects/);
    await expect(openBase('mini:apple')).rejects.toThrow(/"apple" is neither a community model \(twemoji, noto, fluent\) nor a pool/);
    await expect(openBase('mini', { config: 'x' })).rejects.toThrow(/config is for a single file/);
    await expect(openBase('mini', { vae: 'x' })).rejects.toThrow(/mini takes no vae: that is for published checkpoints/);
    await expect(openBase('mini', { loras: [{ file: 'x', weight: 1 }] })).rejects.toThrow(/mini takes no loras/);
    await expect(openBase('mini:full')).rejects.toMatchObject({ code: 'missing-weights' });
  });
});
