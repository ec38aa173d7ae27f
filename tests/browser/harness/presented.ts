/**
 * The pictures that the `<video>` of a player presents, each with its number, by requestVideoFrameCallback(). It leaves out none that
 * was shown, as a screencast does on a busy machine, but it runs on the page's thread, which must have nothing else to do.
 */
import type { Shown } from './pictures.js';
import type { Stage } from './stage.js';

export interface Presented extends Shown {
  /** Of the picture before it was scaled. */
  width: number;
}

/** What the page writes down: when, the strip's green values, the width. */
type Written = [at: number, strip: number[], width: number];

declare global {
  var picturesPresented: Written[];
}

const BITS = 16;

/** From here on. The player has its element by then. */
export async function watchPictures(stage: Stage): Promise<void> {
  await stage.page.evaluate(blocks => {
    globalThis.picturesPresented = [];
    const context = new OffscreenCanvas(blocks, 30).getContext('2d', { willReadFrequently: true });
    const look = (_: number, { expectedDisplayTime, width }: VideoFrameCallbackMetadata) => {
      const video = globalThis.stage.players[0]?.element;
      if (!context || !(video instanceof HTMLVideoElement)) return;
      context.drawImage(video, 0, 0, blocks, 30);
      const { data } = context.getImageData(0, 0, blocks, 1);
      const strip = Array.from({ length: blocks }, (_, i) => data[i * 4 + 1] ?? 0);
      globalThis.picturesPresented.push([performance.timeOrigin + expectedDisplayTime, strip, width]);
      video.requestVideoFrameCallback(look);
    };
    const video = globalThis.stage.players[0]?.element;
    if (video instanceof HTMLVideoElement) video.requestVideoFrameCallback(look);
  }, BITS * 2);
}

/** Those since the last call, in the order they were shown; a damaged number is -1. */
export async function presented(stage: Stage): Promise<Presented[]> {
  const written = await stage.page.evaluate(() => globalThis.picturesPresented.splice(0));
  return written.map(([at, strip, width]) => ({ at, width, counter: numberOf(strip) }));
}

function numberOf(strip: readonly number[]): number {
  const bits = strip.map(green => (green > 128 ? 1 : 0));
  const number = (part: readonly number[]) => part.reduce<number>((sum, bit) => sum * 2 + bit, 0);
  const [value, check] = [number(bits.slice(0, BITS)), number(bits.slice(BITS))];
  return (value ^ check) === 0xffff ? value : -1;
}
