/**
 * From a decoder's picture to a `VideoFrame`, or to planes where there is none or WebGL draws: one copy either way.
 *
 * Colours stay numbers: what the stream says of them goes along, and who shows the picture does the conversion. Only what no
 * `VideoFrame` of this browser holds is changed: samples of more than 8 bits lose their lowest ones.
 */
import type { Colour, Planes } from '../protocol.js';
import { meaning } from '../webgl/yuv.js';
import type { RawPicture } from './instance.js';
import type { FrameLook } from './protocol.js';

/** By the shifts of chroma. */
const FORMATS: Record<string, string> = { '1,1': 'I420', '1,0': 'I422', '0,0': 'I444' };
/** The code points of ITU-T H.273 that WebCodecs has names for. */
const PRIMARIES: Record<number, string> = {
  1: 'bt709',
  5: 'bt470bg',
  6: 'smpte170m',
  9: 'bt2020',
  12: 'smpte432',
};
const TRANSFER: Record<number, string> = {
  1: 'bt709',
  6: 'smpte170m',
  8: 'linear',
  13: 'iec61966-2-1',
  16: 'pq',
  18: 'hlg',
};
/** Of all the others: BT.2020's is the same, and those of old film are shown as they are. */
const CURVE = 'bt709';
const MATRIX: Record<number, string> = {
  0: 'rgb',
  1: 'bt709',
  5: 'bt470bg',
  6: 'smpte170m',
  9: 'bt2020-ncl',
};

/** Formats that this browser's `VideoFrame` has refused. */
const refused = new Set<string>();

/** Undefined where there is no `VideoFrame`, or none for these planes. */
export function frameOf(picture: RawPicture, colour: Colour, look?: FrameLook): VideoFrame | undefined {
  if (typeof VideoFrame !== 'function') return undefined;
  const format = FORMATS[`${picture.chromaShiftX},${picture.chromaShiftY}`];
  if (format === undefined) return undefined;
  if (picture.bitDepth === 8) return make(format, picture, colour, look);
  const deep = `${format}P${picture.bitDepth}`;
  if (!refused.has(deep)) {
    try {
      return make(deep, picture, colour, look);
    } catch {
      refused.add(deep);
    }
  }
  return make(format, with8Bits(picture), colour, look);
}

function make(format: string, picture: RawPicture, colour: Colour, look?: FrameLook): VideoFrame {
  const { memory, planes, width, height, timestamp } = picture;
  // A view of no more than the planes: browsers look at, or copy, all that they are given.
  const from = Math.min(...planes.map(({ offset }) => offset));
  const to = Math.max(...planes.map(({ offset, length }) => offset + length));
  return new VideoFrame(new Uint8Array(memory, from, to - from), {
    format: format as VideoPixelFormat,
    codedWidth: width,
    codedHeight: height,
    timestamp,
    layout: planes.map(({ offset, stride }) => ({ offset: offset - from, stride })),
    colorSpace: colorSpace(colour, height),
    ...look,
  });
}

/** Samples of 16 bits, the low ones used, without what is below 8. */
function with8Bits(picture: RawPicture): RawPicture {
  const shift = picture.bitDepth - 8;
  const lengths = picture.planes.map(({ length }) => length >> 1);
  const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  const planes = picture.planes.map((plane, i) => {
    const length = lengths[i] ?? 0;
    const samples = new Uint16Array(picture.memory, plane.offset, length);
    for (let at = 0; at < length; at++) all[offset + at] = (samples[at] ?? 0) >> shift;
    const to = { offset, stride: plane.stride >> 1, length };
    offset += length;
    return to;
  });
  return { ...picture, memory: all.buffer, bitDepth: 8, planes };
}

/** All planes in one buffer: `spare` if it fits. */
export function planesOf(picture: RawPicture, colour: Colour, spare: ArrayBuffer | undefined): Planes {
  const size = picture.planes.reduce((sum, { length }) => sum + even(length), 0);
  const buffer = spare?.byteLength === size ? spare : new ArrayBuffer(size);
  let at = 0;
  const planes = picture.planes.map(({ offset, stride, length }) => {
    const data = new Uint8Array(buffer, at, length);
    data.set(new Uint8Array(picture.memory, offset, length));
    at += even(length);
    return { data, stride };
  });
  const { timestamp, width, height, bitDepth, chromaShiftX, chromaShiftY } = picture;
  return { timestamp, width, height, bitDepth, chromaShiftX, chromaShiftY, planes, colour };
}

/** Samples of 16 bits are read as such. */
function even(length: number): number {
  return length + (length & 1);
}

function colorSpace(colour: Colour, height: number): VideoColorSpaceInit {
  const { primaries, transfer, matrix, fullRange } = meaning(colour, height);
  return {
    primaries: PRIMARIES[primaries] ?? null,
    transfer: TRANSFER[transfer] ?? CURVE,
    matrix: MATRIX[matrix] ?? null,
    fullRange,
  } as VideoColorSpaceInit;
}
