/**
 * A tone that rises steadily, so that what is heard tells its place in the stream at any moment: what was left out or repeated moves the
 * place, a gap has no loudness, and a click is what so low a tone cannot do.
 */

import { loudness, pitch, type Tape } from './tone.js';

/** Hz at the beginning, and by how many it rises in a second. */
const [BEGIN, RISE] = [300, 10];

/** ffmpeg's source of it. */
export function risingTone(seconds: number): string {
  const phase = `2*PI*(${BEGIN}*t+${RISE / 2}*t*t)`;
  return `aevalsrc='0.4*sin(${phase})':s=48000:d=${seconds},aformat=channel_layouts=stereo`;
}

const RATE = 48_000;
/** Long enough for six waves. */
export const PART_MS = 20;
const PART = (RATE * PART_MS) / 1000;

export interface Part {
  /** Milliseconds since 1970, when its middle left the browser. */
  at: number;
  /** The place in the stream that it is of, seconds. */
  place: number;
  loudness: number;
  /** The largest fourth difference: of a tone of 1 kHz some 0.0003 of its height. */
  edge: number;
}

export function partsOf({ at, samples }: Tape): Part[] {
  return Array.from({ length: Math.floor(samples.length / PART) }, (_, i) => {
    const part = samples.subarray(i * PART, (i + 1) * PART);
    return {
      at: at + ((i + 0.5) * PART * 1000) / RATE,
      place: (pitch(part) - BEGIN) / RISE,
      loudness: loudness(part),
      edge: edge(samples.subarray(Math.max(0, i * PART - 4), (i + 1) * PART)),
    };
  });
}

function edge(x: Float32Array): number {
  let most = 0;
  for (let i = 4; i < x.length; i++) {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = x.subarray(i - 4, i + 1);
    most = Math.max(most, Math.abs(a - 4 * b + 6 * c - 4 * d + e));
  }
  return most;
}
