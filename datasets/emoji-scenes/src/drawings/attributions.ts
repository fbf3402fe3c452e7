import type { Style } from './style.ts';

/** Whose drawings the scenes of a style are composed of. */
export interface StyleAttribution {
  work: string;
  author: string;
  license: string;
  url: string;
  /** What to print wherever they are shown. */
  note: string;
}

export const attributions: Readonly<Record<Style, StyleAttribution>> = {
  openmoji: {
    work: 'OpenMoji',
    author: 'the OpenMoji project',
    license: 'CC BY-SA 4.0',
    url: 'https://openmoji.org',
    note: 'All emojis designed by OpenMoji, the open-source emoji and icon project. License: CC BY-SA 4.0. Cropped, scaled and composed; the images made from them are CC BY-SA 4.0.',
  },
  twemoji: {
    work: 'Twemoji',
    author: 'Twitter, Inc. and other contributors',
    license: 'CC BY 4.0',
    url: 'https://github.com/twitter/twemoji',
    note: 'Emoji drawings by Twemoji (Twitter, Inc. and other contributors), CC BY 4.0. Cropped, scaled and composed.',
  },
  noto: {
    work: 'Noto Emoji',
    author: 'Google Inc.',
    license: 'Apache-2.0',
    url: 'https://github.com/googlefonts/noto-emoji',
    note: 'Emoji drawings by Noto Emoji (Google Inc.), Apache-2.0. Cropped, scaled and composed.',
  },
  fluent: {
    work: 'Fluent UI Emoji',
    author: 'Microsoft Corporation',
    license: 'MIT',
    url: 'https://github.com/microsoft/fluentui-emoji',
    note: 'Emoji drawings by Fluent UI Emoji (Microsoft Corporation), MIT. Cropped, scaled and composed.',
  },
};
