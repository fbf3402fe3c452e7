import path from 'node:path';
import type { Style, Tier } from '@controllab/emoji-scenes';

/** How the embedded default is asked for where a model is named; `mini:STYLE` is a community model of it. */
export const MINI = 'mini';

/**
 * Smaller U-Nets beside the embedded default's text encoder and autoencoder, by the channels of their first level: members of the family of
 * experiments' `scaling-law`, trained on a sixteenth of its scenes.
 */
export const MEMBERS = { 'mini-xs': 16, 'mini-s': 32, 'mini-m': 48 } as const satisfies Readonly<Record<string, number>>;
export type Member = keyof typeof MEMBERS;

export const isMember = (name: string): name is Member => Object.hasOwn(MEMBERS, name);

/** Whether a model's name means the embedded default, a community model or a smaller one of it. */
export const isMini = (model: string): boolean => model === MINI || model.startsWith(`${MINI}:`) || isMember(model);

/** The community models: the same U-Net fine-tuned to another artist's drawings. */
export const communityStyles = ['twemoji', 'noto', 'fluent'] as const satisfies readonly Style[];
export type CommunityStyle = (typeof communityStyles)[number];

/** The tier whose weights the repository holds; those of the others lie in folders of their name. */
export const COMMITTED_TIER: Tier = 'core';

/** Controls of the embedded default that the repository holds, by name: a ControlNet and a ControlNeXt of Canny edges. */
export const shippedControls = ['canny', 'canny-controlnext'] as const;
export type ShippedControl = (typeof shippedControls)[number];

/** The folder of a control that the repository holds; null for any other name. */
export const shippedControl = (name: string): string | null =>
  (shippedControls as readonly string[]).includes(name) ? path.join(import.meta.dirname, '..', 'weights', 'controls', name) : null;
