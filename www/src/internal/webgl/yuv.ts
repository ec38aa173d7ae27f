/**
 * What the numbers of a decoded picture mean: which colours are meant where the stream does not say, and the way from Y, U, V
 * to R, G, B. Pure.
 */
import type { Colour, Planes } from '../protocol.js';

/** Code points of ITU-T H.273. */
const UNSPECIFIED = 2;
export const BT709 = 1;
export const BT470BG = 5;
export const BT601 = 6;
export const BT2020 = 9;
export const PQ = 16;
export const HLG = 18;
/** Lines from which on a picture of unspecified colour is taken for BT.709, as by every `<video>`. */
const HD = 720;

/** Kr and Kb. */
const WEIGHTS: Record<number, readonly [number, number]> = {
  1: [0.2126, 0.0722],
  4: [0.3, 0.11],
  5: [0.299, 0.114],
  6: [0.299, 0.114],
  7: [0.212, 0.087],
  9: [0.2627, 0.0593],
};

/**
 * Fills in what is unspecified, as browsers do for a `<video>`: by the other values, full range as JPEG has it, and else by the
 * size. What cannot be drawn, such as YCgCo, counts as unspecified.
 */
export function meaning({ primaries, transfer, matrix, fullRange }: Colour, height: number): Colour {
  const guess =
    primaries in WEIGHTS && primaries !== UNSPECIFIED ? primaries : fullRange || height < HD ? BT601 : BT709;
  const known = matrix === 0 || matrix in WEIGHTS ? matrix : matrix === 10 ? BT2020 : guess;
  const guessed = known === BT2020 ? BT2020 : BT709;
  return { primaries: primaries === UNSPECIFIED ? guessed : primaries, transfer, matrix: known, fullRange };
}

/**
 * R'G'B' from 0 to 1 is `matrix` (by columns) times the samples less `offset`, for samples in units of 255: 8 bits as a
 * texture gives them, and more bits 256 times the upper byte plus the lower.
 */
export function toRgb(colour: Colour, { bitDepth, planes }: Planes): { matrix: number[]; offset: number[] } {
  const { matrix, fullRange } = colour;
  const step = 2 ** (bitDepth - 8);
  const full = 255 / (2 ** bitDepth - 1);
  const luma = fullRange ? full : 255 / 219 / step;
  const chroma = planes.length < 3 ? 0 : fullRange ? full : 255 / 224 / step;
  const black = fullRange ? 0 : (16 / 255) * step;
  // Identity: the planes are G, B and R.
  if (matrix === 0) {
    return { matrix: [0, luma, 0, 0, 0, luma, luma, 0, 0], offset: [black, black, black] };
  }
  const [kr, kb] = WEIGHTS[matrix] ?? [0.2126, 0.0722];
  const kg = 1 - kr - kb;
  const [u, v] = [2 * (1 - kb) * chroma, 2 * (1 - kr) * chroma];
  const grey = (128 / 255) * step;
  return {
    matrix: [luma, luma, luma, 0, (-u * kb) / kg, u, v, (-v * kr) / kg, 0],
    offset: [black, grey, grey],
  };
}

/** The width or height of a plane of chroma. */
export function shrunk(size: number, shift: number): number {
  return (size + (1 << shift) - 1) >> shift;
}

/** Fills RGBA by the processor: each sample of chroma for all its pixels, and R'G'B' as it comes out of the matrix. */
export function paint(picture: Planes, rgba: Uint8ClampedArray): void {
  const { planes, width, height, bitDepth, chromaShiftX, chromaShiftY } = picture;
  const [luma, u = luma, v = luma] = planes.map(({ data, stride }) => {
    const samples = bitDepth > 8 ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength >> 1) : data;
    return { samples, stride: bitDepth > 8 ? stride >> 1 : stride };
  });
  if (!luma || !u || !v) return;
  const { matrix, offset } = toRgb(meaning(picture.colour, height), picture);
  const [ry = 0, gy = 0, by = 0, ru = 0, gu = 0, bu = 0, rv = 0, gv = 0, bv = 0] = matrix;
  const [y0 = 0, u0 = 0, v0 = 0] = offset.map(value => value * 255);
  for (let row = 0, to = 0; row < height; row++) {
    const [atY, down] = [row * luma.stride, row >> chromaShiftY];
    const [atU, atV] = [down * u.stride, down * v.stride];
    for (let x = 0; x < width; x++, to += 4) {
      const across = x >> chromaShiftX;
      const y = (luma.samples[atY + x] as number) - y0;
      const cb = (u.samples[atU + across] as number) - u0;
      const cr = (v.samples[atV + across] as number) - v0;
      rgba[to] = ry * y + ru * cb + rv * cr;
      rgba[to + 1] = gy * y + gu * cb + gv * cr;
      rgba[to + 2] = by * y + bu * cb + bv * cr;
      rgba[to + 3] = 255;
    }
  }
}
