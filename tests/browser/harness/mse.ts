/** MP4 in the browser's own player, piece by piece through Media Source Extensions: nothing of ours takes part. */
import type { Page } from '@playwright/test';
import { readCounter } from './pictures.js';

export interface Film {
  /** Where there is everything, seconds. */
  buffered: [number, number][];
  duration: number;
  size: [number, number];
  /** Whether sound was decoded. */
  heard: boolean;
  /** While it played from each place on: when a picture is presented, in seconds of the film, and its number. */
  shown: { time: number; counter: number | null }[][];
}

/** How long it plays from each place, ms. */
const PLAYS = 700;
/** Each step takes no longer on a busy machine, ms. */
const WITHIN = 10_000;

export function isSupported(page: Page, type: string): Promise<boolean> {
  return page.evaluate(type => MediaSource.isTypeSupported(type), type);
}

/** Appends what is at `urls` in that order, plays from its beginning and from its middle on, and then the end of it. */
export async function film(page: Page, type: string, urls: readonly string[]): Promise<Film> {
  const { shown, ...rest } = await page.evaluate(
    async ({ type, urls, plays, within }) => {
      const video = document.createElement('video');
      const once = (target: EventTarget, name: string) =>
        new Promise<void>((resolve, reject) => {
          const fail = (why = '') => reject(new Error(`no ${name} at ${video.currentTime}: ${why}`));
          const timer = setTimeout(fail, within);
          video.onerror = () => fail(video.error?.message);
          target.addEventListener(name, () => resolve(clearTimeout(timer)), { once: true });
        });
      const source = new MediaSource();
      video.muted = true;
      video.src = URL.createObjectURL(source);
      document.body.prepend(video);
      await once(source, 'sourceopen');
      const buffer = source.addSourceBuffer(type);
      for (const url of urls) {
        const bytes = await (await fetch(url)).arrayBuffer();
        const done = once(buffer, 'updateend');
        buffer.appendBuffer(bytes);
        await done;
      }
      source.endOfStream();
      if (video.readyState === 0) await once(video, 'loadedmetadata');
      const { buffered } = buffer;
      const ranges = Array.from({ length: buffered.length }, (_, i): [number, number] => [
        buffered.start(i),
        buffered.end(i),
      ]);

      type Row = { time: number; row: number[] };
      const pictures: Row[] = [];
      const read: VideoFrameRequestCallback = (_, { mediaTime: time, width, height }) => {
        const context = new OffscreenCanvas(width, 1).getContext('2d');
        // The middle of the strip with the number.
        context?.drawImage(video, 0, Math.floor((height * 12) / 360), width, 1, 0, 0, width, 1);
        pictures.push({ time, row: [...(context?.getImageData(0, 0, width, 1).data ?? [])] });
        video.requestVideoFrameCallback(read);
      };
      video.requestVideoFrameCallback(read);
      const shown: Row[][] = [];
      const [from, end] = [buffered.start(0), video.duration];
      for (const to of [from, (from + end) / 2]) {
        const sought = once(video, 'seeked');
        video.currentTime = to;
        await sought;
        pictures.length = 0;
        const playing = once(video, 'playing');
        void video.play();
        await playing;
        await new Promise(resolve => setTimeout(resolve, plays));
        video.pause();
        shown.push([...pictures]);
      }
      const ended = once(video, 'ended');
      video.currentTime = end - 0.2;
      void video.play();
      await ended;
      return {
        buffered: ranges,
        duration: video.duration,
        size: [video.videoWidth, video.videoHeight] as [number, number],
        heard: (video as unknown as { webkitAudioDecodedByteCount: number }).webkitAudioDecodedByteCount > 0,
        shown,
      };
    },
    { type, urls, plays: PLAYS, within: WITHIN },
  );
  const number = (row: number[]) =>
    readCounter({ width: row.length / 4, height: 1, data: Uint8Array.from(row) });
  return {
    ...rest,
    shown: shown.map(pictures => pictures.map(({ time, row }) => ({ time, counter: number(row) }))),
  };
}
