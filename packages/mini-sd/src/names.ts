import type { Style, Tier } from '@controllab/emoji-scenes';

/** How the embedded default is asked for where a model is named; `mini:STYLE` is a community model of it. */
export const MINI = 'mini';

/** The community models: the same U-Net fine-tuned to another artist's drawings. */
export const communityStyles = ['twemoji', 'noto', 'fluent'] as const satisfies readonly Style[];
export type CommunityStyle = (typeof communityStyles)[number];

/** The tier whose weights the repository holds; those of the others lie in folders of their name. */
export const COMMITTED_TIER: Tier = 'core';
