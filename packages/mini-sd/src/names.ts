import path from 'node:path';
import type { Style, Tier } from '@controllab/emoji-scenes';

/** How the embedded default is asked for where a model is named; `mini:STYLE` is a community model of it. */
export const MINI = 'mini';

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
