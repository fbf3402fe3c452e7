/** The backgrounds' names and sRGB values. No black: OpenMoji's outlines are black and would vanish. */
export const colours = {
  white: [245, 245, 245],
  gray: [128, 128, 132],
  red: [200, 60, 60],
  orange: [240, 150, 60],
  yellow: [245, 215, 90],
  green: [90, 170, 90],
  teal: [60, 160, 160],
  blue: [80, 130, 220],
  purple: [140, 90, 190],
  pink: [240, 150, 190],
  brown: [140, 100, 70],
} as const satisfies Record<string, readonly [number, number, number]>;

export type Colour = keyof typeof colours;

export const colourNames = Object.keys(colours) as readonly Colour[];
