import type { Style } from './style.ts';

/** What to print wherever scenes of a style are shown. */
export const attributions: Readonly<Record<Style, string>> = {
  openmoji:
    'All emojis designed by OpenMoji, the open-source emoji and icon project. License: CC BY-SA 4.0. Cropped, scaled and composed; the images made from them are CC BY-SA 4.0.',
  twemoji: 'Emoji drawings by Twemoji (Twitter, Inc. and other contributors), CC BY 4.0. Cropped, scaled and composed.',
  noto: 'Emoji drawings by Noto Emoji (Google Inc.), Apache-2.0.',
  fluent: 'Emoji drawings by Fluent UI Emoji (Microsoft Corporation), MIT.',
};
