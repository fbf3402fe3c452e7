/** A colour per class, class 0 black; neighbouring classes get hues a golden angle apart. [256, 3] sRGB. */
export const palette: Uint8Array = (() => {
  const table = new Uint8Array(256 * 3);
  for (let k = 1; k < 256; k++) {
    const hue = (k * 137.508) % 360;
    const lightness = k % 2 === 0 ? 0.45 : 0.65;
    // HSL with saturation 0.8.
    const chroma = 0.8 * Math.min(lightness, 1 - lightness);
    [0, 8, 4].forEach((offset, c) => {
      const sector = (offset + hue / 30) % 12;
      table[k * 3 + c] = Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(sector - 3, 9 - sector, 1))));
    });
  }
  return table;
})();
