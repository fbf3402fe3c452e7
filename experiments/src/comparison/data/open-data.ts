import { knownCircles, toldCircles, unreadCircles } from './circles.ts';
import type { OpenComparedData } from './compared-data.ts';
import { sceneData } from './emoji-scenes.ts';

/** What an experiment may train on, by name. */
const DATA = {
  'emoji-scenes': sceneData,
  fill50k: knownCircles,
  'fill50k-sentence': toldCircles,
  'fill50k-unread': unreadCircles,
} as const satisfies Record<string, OpenComparedData>;

export type DataId = keyof typeof DATA;

export const openComparedData = (name: DataId, on: Parameters<OpenComparedData>[0]): ReturnType<OpenComparedData> => DATA[name](on);
