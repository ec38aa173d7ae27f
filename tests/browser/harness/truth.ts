/**
 * When pictures and beeps of the fake devices arrive in the page that publishes them, by the page's clock alone: no time stamp is
 * believed. On a busy machine the camera falls behind its file for good, so picture and sound drift apart.
 */
import type { Page } from '@playwright/test';
import { median } from './measures.js';

/** Chromium's, on the page; TypeScript knows none. */
declare class MediaStreamTrackProcessor<T> {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<T>;
}

/** Milliseconds since 1970. */
export interface Captured {
  pictures: { at: number; counter: number }[];
  beeps: number[];
}

interface Watched {
  captured: Captured;
}

/** Runs in the page before its own scripts: watches what getUserMedia gives. */
function watch() {
  const [LOUD, QUIET, BLOCKS] = [0.03, 0.05, 32];
  const captured: Captured = { pictures: [], beeps: [] };
  (globalThis as unknown as Watched).captured = captured;
  const now = () => performance.timeOrigin + performance.now();
  const number = (bits: number[]) => bits.reduce((sum, bit) => sum * 2 + bit, 0);

  const look = async (track: MediaStreamTrack) => {
    const context = new OffscreenCanvas(BLOCKS, 15).getContext('2d', { willReadFrequently: true });
    const frames = new MediaStreamTrackProcessor<VideoFrame>({ track }).readable.getReader();
    for (let next = await frames.read(); next.value; next = await frames.read()) {
      const at = now();
      context?.drawImage(next.value, 0, 0, BLOCKS, 15);
      next.value.close();
      const { data } = context?.getImageData(0, 0, BLOCKS, 1) ?? { data: [] };
      const bits = Array.from({ length: BLOCKS }, (_, i) => ((data[i * 4 + 1] ?? 0) > 128 ? 1 : 0));
      const [counter, check] = [number(bits.slice(0, 16)), number(bits.slice(16))];
      if ((counter ^ check) === 0xffff) captured.pictures.push({ at, counter });
    }
  };
  const listen = async (track: MediaStreamTrack) => {
    const blocks = new MediaStreamTrackProcessor<AudioData>({ track }).readable.getReader();
    let quiet = 0;
    for (let next = await blocks.read(); next.value; next = await blocks.read()) {
      const at = now();
      const { numberOfFrames: length, sampleRate } = next.value;
      const samples = new Float32Array(length);
      next.value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      next.value.close();
      for (const [i, sample] of samples.entries()) {
        const loud = Math.abs(sample) > LOUD;
        if (loud && quiet > QUIET * sampleRate) captured.beeps.push(at - ((length - i) / sampleRate) * 1000);
        quiet = loud ? 0 : quiet + 1;
      }
    }
  };

  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async constraints => {
    const stream = await ask(constraints);
    // The tracks themselves: Chromium halves the rate of one whose clone has another.
    for (const track of stream.getVideoTracks()) void look(track);
    for (const track of stream.getAudioTracks()) void listen(track);
    return stream;
  };
}

/** Call before the page is opened. */
export async function watchDevices(page: Page): Promise<void> {
  await page.addInitScript(watch);
}

/** Since the page was opened. */
export function captured(page: Page): Promise<Captured> {
  return page.evaluate(() => (globalThis as unknown as Watched).captured);
}

function nearest(times: readonly number[], to: number): number {
  return times.reduce(
    (best, time) => (Math.abs(time - to) < Math.abs(best - to) ? time : best),
    Number.NEGATIVE_INFINITY,
  );
}

/**
 * By how many ms pictures are later than the sound that was captured with them. Times of `given` may be by another clock, which is
 * less than a second off; pictures whose number is not known are left out.
 */
export function pictureAfterSound(given: Captured, captured: Captured): number {
  const late = median(
    given.pictures.flatMap(({ at, counter }) => {
      const same = captured.pictures.filter(picture => picture.counter === counter);
      return same.length > 0
        ? [
            at -
              nearest(
                same.map(picture => picture.at),
                at,
              ),
          ]
        : [];
    }),
  );
  return median(given.beeps.map(at => late - (at - nearest(captured.beeps, at - late))));
}
