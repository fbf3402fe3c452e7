// The only script of a report: draws the figures in the reader's theme and enlarges images. Plain JavaScript: it runs as it is, from
// file://.
(() => {
  'use strict';

  /** Replaces every "var(--name)" in a figure by its value in the current theme. */
  const withTheme = (value, style) => {
    if (typeof value === 'string') return value.startsWith('var(') ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return value.map((item) => withTheme(item, style));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTheme(item, style)]));
  };

  const config = {
    displaylogo: false,
    showSendToCloud: false,
    responsive: true,
    modeBarButtons: [['toImage', 'resetScale2d']],
  };

  const drawFigures = () => {
    const style = getComputedStyle(document.documentElement);
    const touch = matchMedia('(pointer: coarse)').matches;
    for (const figure of document.querySelectorAll('figure.plot')) {
      const area = figure.querySelector('.plot-area');
      const { data, layout } = withTheme(JSON.parse(figure.querySelector('script').textContent), style);
      // A finger that drags over a figure scrolls the page; a mouse zooms.
      if (touch) layout.dragmode = false;
      Plotly.react(area, data, layout, { ...config, displayModeBar: touch ? false : 'hover' });
    }
  };

  const EDGE = 32;

  /** The largest size that fits the window: a whole multiple for small images, so that every pixel stays a square. */
  const enlargedWidth = (width, height, pixelated) => {
    const room = Math.min((innerWidth - EDGE * 2) / width, (innerHeight - EDGE * 2 - 80) / height);
    return width * (pixelated && room >= 1 ? Math.floor(room) : room);
  };

  const dialog = document.getElementById('enlarged');
  let shown = null;

  const show = (button) => {
    shown = button;
    const frame = button.querySelector('.frame').cloneNode(true);
    frame.style.width = `${enlargedWidth(Number(frame.dataset.width), Number(frame.dataset.height), frame.classList.contains('pixelated'))}px`;
    document.getElementById('enlarged-title').textContent = button.dataset.title;
    dialog.querySelector('.stage').replaceChildren(frame);
    if (!dialog.open) dialog.showModal();
  };

  /** Of a grid's pictures one is a stop of the Tab key: the one that was last at. */
  const moveTo = (button) => {
    for (const other of button.closest('.image-grid').querySelectorAll('.enlarge')) other.tabIndex = other === button ? 0 : -1;
    button.focus();
  };

  /** The image that many columns and rows away in the same grid, if there is one. */
  const neighbour = (button, columns, rows) => {
    const cell = button.closest('td');
    const all = [...button.closest('tbody').rows].filter((row) => row.querySelector('.enlarge'));
    return all[all.indexOf(cell.parentElement) + rows]?.cells[cell.cellIndex + columns]?.querySelector('.enlarge');
  };

  /** Selects the text where the clipboard is not to be had (a page from a disk, say), so that one key press copies it. */
  const copyText = async (button) => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = 'Selected';
    }
  };

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  document.addEventListener('click', (event) => {
    const button = event.target.closest('.enlarge');
    const copy = event.target.closest('.copy');
    if (button) show(button);
    else if (copy) copyText(copy);
    else if (event.target === dialog) dialog.close();
  });
  document.addEventListener('keydown', (event) => {
    const step = STEPS[event.key];
    if (!step || dialog.open || !event.target.matches('.enlarge')) return;
    const next = neighbour(event.target, ...step);
    if (next) moveTo(next);
    event.preventDefault();
  });
  dialog.addEventListener('keydown', (event) => {
    const step = STEPS[event.key];
    const next = step && neighbour(shown, ...step);
    if (next) show(next);
    if (step) event.preventDefault();
  });
  dialog.addEventListener('close', () => shown && moveTo(shown));

  if (document.querySelector('figure.plot')) {
    drawFigures();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawFigures);
    addEventListener('beforeprint', () => {
      document.documentElement.dataset.printing = '';
      drawFigures();
    });
    addEventListener('afterprint', () => {
      delete document.documentElement.dataset.printing;
      drawFigures();
    });
  }
})();
