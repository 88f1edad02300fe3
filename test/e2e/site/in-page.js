// Runs in the browser: what a reader would stumble over on the page that is shown.

/** What the page links to, where others can link to, and what is wrong with it at this width. */
// biome-ignore lint/correctness/noUnusedVariables: the test calls it
function describePage() {
  const root = document.documentElement;
  return {
    lang: root.lang,
    title: document.title,
    description: document.querySelector('meta[name=description]')?.content ?? '',
    links: [...document.querySelectorAll('a[href]')].map((link) => link.href).filter((href) => /^https?:/.test(href)),
    anchors: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    tooWide: root.scrollWidth > root.clientWidth ? root.scrollWidth : 0,
    brokenPictures: [...document.images]
      .filter((image) => image.complete && image.naturalWidth === 0)
      .map(({ src }) => src),
  };
}

/** Texts whose contrast with what is behind them is lower than WCAG 2 (AA) asks for. */
// biome-ignore lint/correctness/noUnusedVariables: the test calls it
function faintTexts() {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const style = getComputedStyle(element);
    if (node.data.trim() === '' || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      continue;
    // Only for programs that read the page aloud, or cut off.
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || style.clip !== 'auto' || style.webkitTextFillColor === 'rgba(0, 0, 0, 0)')
      continue;
    const behind = backgroundOf(element);
    const ratio = contrast(over(parse(style.color), behind), behind);
    const sizePx = Number.parseFloat(style.fontSize);
    const isLarge = sizePx >= 24 || (sizePx >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5))
      found.push(`${node.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}, ${style.color} on ${behind}`);
  }
  return found;
}

function backgroundOf(element) {
  const layers = [];
  for (let each = element; each; each = each.parentElement)
    layers.unshift(parse(getComputedStyle(each).backgroundColor));
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
}

const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

/** Any way to write a colour, as red, green, blue and alpha. */
function parse(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

function over([red, green, blue, alpha], below) {
  return [red, green, blue].map((value, index) => Math.round(value * alpha + below[index] * (1 - alpha))).concat(1);
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.slice(0, 3).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
