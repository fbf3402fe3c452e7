import type { Example } from '@controllab/data';

/**
 * The paper's four: no prompt; one that is true but leaves out the object named last (of a pair it names the other one, of a single object
 * the background alone); one that contradicts the condition; one that describes the image.
 */
export const PROMPT_SETTINGS = {
  none: { label: 'no prompt', caption: null },
  insufficient: { label: 'insufficient prompt', caption: 'object-dropped' },
  conflicting: { label: 'conflicting prompt', caption: 'conflicting' },
  perfect: { label: 'perfect prompt', caption: 'caption' },
} as const satisfies Record<string, { label: string; caption: string | null }>;

export type PromptSettingId = keyof typeof PROMPT_SETTINGS;

/** An example's prompt under a setting; '' is the empty prompt. */
export function promptOf({ captions }: Pick<Example, 'captions'>, setting: PromptSettingId): string {
  const { caption } = PROMPT_SETTINGS[setting];
  return caption === null ? '' : captions[caption]!;
}
