/**
 * Pictures made of known colours, as a software decoder gives them, and what becomes of them: for webgl.spec.ts. The sums are
 * those of ITU-T H.273, written the other way round from how the player does them.
 */
import { YuvCanvas } from '/dist/internal/webgl/yuv-canvas.js';

const WEIGHTS = { 1: [0.2126, 0.0722], 6: [0.299, 0.114], 9: [0.2627, 0.0593] };

/** 0..255 to code values. */
function encode([r, g, b], { matrix, fullRange, bitDepth }) {
  const step = 2 ** (bitDepth - 8);
  const top = 2 ** bitDepth - 1;
  if (matrix === 0) return [g, b, r].map(v => Math.round((v / 255) * top));
  const [kr, kb] = WEIGHTS[matrix];
  const y = kr * r + (1 - kr - kb) * g + kb * b;
  const [u, v] = [(b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)].map(c => c / 255);
  return fullRange
    ? [(y / 255) * top, u * top + 128 * step, v * top + 128 * step].map(Math.round)
    : [(16 + (219 * y) / 255) * step, (128 + 224 * u) * step, (128 + 224 * v) * step].map(Math.round);
}

/**
 * Planes of a picture whose pixel at x, y is `code(x, y, k)` in plane k, the coordinates those of the plane. What lies between
 * the rows would be a strong green.
 */
function planesOf({ width, height, bitDepth = 8, shift = [1, 1], colour, gap = 0, grey = false }, code) {
  const bytes = bitDepth > 8 ? 2 : 1;
  const planes = [0, 1, 2].slice(0, grey ? 1 : 3).map(k => {
    const [w, h] = k
      ? [Math.ceil(width / 2 ** shift[0]), Math.ceil(height / 2 ** shift[1])]
      : [width, height];
    const stride = (w + gap) * bytes;
    const data = new Uint8Array(stride * (h - 1) + w * bytes);
    const view = new DataView(data.buffer);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        if (bytes > 1) view.setUint16(y * stride + x * 2, code(x, y, k), true);
        else view.setUint8(y * stride + x, code(x, y, k));
      }
    }
    return { data, stride };
  });
  const [chromaShiftX, chromaShiftY] = shift;
  return { timestamp: 0, width, height, bitDepth, chromaShiftX, chromaShiftY, planes, colour };
}

/** Eight upright bars; `said`: the colour as the stream tells it, if that is not how it is meant. */
export function bars(patches, { width = 640, height = 360, said, ...kind }) {
  const colour = { primaries: 1, transfer: 1, ...kind };
  const codes = patches.map(rgb => encode(rgb, { bitDepth: 8, ...kind }));
  const [shift = 1] = kind.shift ?? [];
  return planesOf(
    { width, height, ...kind, colour: { ...colour, ...said } },
    (x, _, k) => codes[Math.floor(((k ? x * 2 ** shift : x) * patches.length) / width)][k],
  );
}

/** Grey, with this code value at each place. */
export function grey(kind, code) {
  const middle = 128 * 2 ** ((kind.bitDepth ?? 8) - 8);
  const colour = { primaries: 1, transfer: 1, matrix: 1, fullRange: true, ...kind.colour };
  return planesOf({ ...kind, colour }, (x, y, k) => (k ? middle : code(x, y)));
}

/** With these code values, each a function of the coordinates in its plane. */
export function planes(kind, codes) {
  const colour = { primaries: 1, transfer: 1, matrix: 1, fullRange: true };
  return planesOf({ ...kind, colour }, (x, y, k) => codes[k](x, y));
}

/** The pixels after the picture was drawn; at its own size unless told otherwise. */
export function drawn(picture, { view } = {}) {
  const [width, height] = view ?? [picture.width, picture.height];
  const { canvas, painter } = made(width, height);
  painter.draw(picture, 0, 0, width, height);
  const at = seen(canvas);
  // Browsers keep no more than 16 contexts.
  if (painter.renderer === 'webgl') {
    canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
  }
  return at;
}

export function made(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  return { canvas, painter: new YuvCanvas(canvas) };
}

export function seen(canvas) {
  const flat = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  flat.drawImage(canvas, 0, 0);
  const { data } = flat.getImageData(0, 0, canvas.width, canvas.height);
  return (x, y) => [...data.subarray((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 3)];
}

/** `drawn()` at the middle of each bar. */
export function barsSeen(picture, count) {
  const at = drawn(picture);
  const row = Math.floor(picture.height / 2);
  return Array.from({ length: count }, (_, i) => at(Math.floor(((i + 0.5) * picture.width) / count), row));
}
