/** A live playlist of segments of one second that were made before: a window that moves with the clock, of a length to be chosen. */
import type { Spoil } from './folder.js';

/** Segments that are there when it begins. */
const BEFORE = 12;

export interface Window {
  /** How many segments it shows. */
  length?: number;
  /** It stops moving so many seconds after it began. */
  stops?: number;
  /** Put before each segment. */
  tags?: string;
}

/** Answers `NAME.live.m3u8` with a window of the segments `NAME/index0.ts` and so on; what else is asked goes to `next`. */
export function sliding(
  { length = 5, stops = Number.POSITIVE_INFINITY, tags = '' }: Window = {},
  next: Spoil = () => false,
): Spoil {
  const began = Date.now();
  return (asked, response) => {
    const [, name] = /^(.+)\.live\.m3u8$/.exec(asked.name) ?? [];
    if (next(asked, response)) return true;
    if (!name) return false;
    const end = BEFORE + Math.floor(Math.min((Date.now() - began) / 1000, stops));
    const first = end - length;
    const segments = Array.from({ length }, (_, i) => `${tags}#EXTINF:1,\n${name}/index${first + i}.ts\n`);
    const head = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${first}\n`;
    response.end(head + segments.join(''));
    return true;
  };
}
