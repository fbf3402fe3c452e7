/**
 * A box that scrolls sideways where its content is wider than the page. page/report.js marks the edges behind which there is more, and lets
 * the Tab key stop at it only then. `name`: an attribute that names it, `aria-label="..."` or `aria-labelledby="..."`.
 */
export const scrollBox = (name: string, content: string): string =>
  `<div class="scroll-frame"><div class="scroll" role="region" ${name}>
${content}
</div></div>`;
