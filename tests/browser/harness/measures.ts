/** Figures from what was shown and heard. */
import { expect, test } from '@playwright/test';
import { type Cast, type Shown, steps } from './pictures.js';
import type { Beep } from './sound.js';

export const FPS = 30;
export const GOP = 60;
/** Frames in a round of a looped fixture. */
export const ROUND = { 'counter-av': 480, 'counter-bframes': 240, 'video-only': 240, card: 150 } as const;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** A figure for the report, whatever it says. */
function note(type: string, description: string): void {
  test.info().annotations.push({ type, description });
}

/** Part of a cast, by time. */
export function within(cast: Cast, from: number, to = Number.POSITIVE_INFINITY): Shown[] {
  return cast.shown.filter(entry => entry.at >= from && entry.at < to);
}

/**
 * No wrong picture, none repeated after another, none out of order. `least`: the share of the stream's frames that must
 * have been seen; low, because a screencast on a busy machine leaves pictures out by itself.
 */
export function expectInOrder(cast: Cast, round: number, least = 0.5): void {
  expect(cast.unreadable, 'pictures with a damaged counter').toBe(0);
  expect(cast.shown.length, 'pictures with a counter').toBeGreaterThan(10);
  const taken = steps(cast.shown, round);
  expect(
    taken.filter(step => step <= 0),
    `steps back in ${cast.shown.map(s => s.counter).join(' ')}`,
  ).toEqual([]);
  const first = cast.shown[0]?.at ?? 0;
  const last = cast.shown.at(-1)?.at ?? 0;
  const rate = (cast.shown.length - 1) / ((last - first) / 1000);
  note('pictures seen a second', rate.toFixed(1));
  expect(rate, 'pictures a second').toBeGreaterThan(FPS * least);
  expect(rate, 'pictures a second').toBeLessThan(FPS * 1.15);
}

/**
 * Milliseconds by which the picture is later than the sound, one value a beep: from the frames seen within half a second
 * of the beep, when the frame with the beep's own number was, or would have been, shown.
 */
export function pictureAfterSound(shown: readonly Shown[], beeps: readonly Beep[]): number[] {
  const NEAR = 500;
  return beeps.flatMap(beep => {
    const near = shown.filter(entry => Math.abs(entry.at - beep.at) < NEAR);
    if (near.length < 5) return [];
    const offsets = near.map(entry => {
      const second = ((entry.counter % FPS) / FPS) * 1000;
      const away = (((entry.at - second - beep.at) % 1000) + 1000) % 1000;
      return away > 500 ? away - 1000 : away;
    });
    return [median(offsets)];
  });
}

const IN_SYNC = 60;

/** Sound and picture within 60 ms, from at least `count` beeps. */
export function expectInSync(shown: readonly Shown[], beeps: readonly Beep[], count = 3): void {
  const offsets = pictureAfterSound(shown, beeps);
  const all = offsets.map(o => o.toFixed(0)).join(' ');
  note('picture after sound, ms', all);
  expect(offsets.length, `beeps with pictures around them (${beeps.length} heard)`).toBeGreaterThanOrEqual(
    count,
  );
  expect(Math.abs(median(offsets)), `picture after sound: ${all} ms`).toBeLessThanOrEqual(IN_SYNC);
}

/**
 * The sound is whole: beeps of 100 ms, one a second, without holes. Half of the beeps, for a busy machine. `hole`: the
 * longest allowed, ms; a stream that is being caught up with has its sound overlapped at a beep's edge.
 */
export function expectSound(beeps: readonly Beep[], count = 3, hole = 0): void {
  const all = beeps.map(b => `${b.at.toFixed(0)}+${b.length.toFixed(0)}(${b.hole.toFixed(0)})`).join(' ');
  expect(beeps.length, `beeps: ${all}`).toBeGreaterThanOrEqual(count);
  expect(median(beeps.map(b => b.hole)), `holes: ${all}`).toBeLessThanOrEqual(hole);
  expect(median(beeps.map(b => b.length)), `lengths: ${all}`).toBeGreaterThan(85);
  expect(median(beeps.map(b => b.length)), `lengths: ${all}`).toBeLessThan(125);
  const gaps = beeps.slice(1).map((b, i) => b.at - (beeps[i]?.at ?? 0));
  expect(Math.abs(median(gaps) - 1000), `from beep to beep: ${all}`).toBeLessThan(80);
}
