/** What a load plays, checked and completed. */
import type { RenditionSource, Source, SourceType } from '../types.js';
import { check } from './check.js';
import type { Begun } from './protocol.js';

export interface Given {
  /** None where there are renditions. */
  lines: readonly string[];
  renditions: readonly GivenRendition[];
  /** Index of the one to stay with. */
  rendition: number | undefined;
  /** Undefined: as the player's option says. */
  sourceType: SourceType | undefined;
  startTime: number | undefined;
  /** Of a file, what is here of it. */
  begun?: Begun;
}

export interface GivenRendition extends Omit<RenditionSource, 'url'> {
  lines: readonly string[];
}

/** The modules of the player: one plays streams; the other one all there is, and records. */
export type Build = 'streams' | 'all';

const SOCKET = /^wss?:/i;
const FLV = /^[^?#]*\.flv([?#]|$)/i;

/** The module that a load of this address needs, as far as can be told before anything has come of it. */
export function buildFor(url: string, type: SourceType = 'auto'): Build {
  if (type !== 'auto') return type === 'stream' ? 'streams' : 'all';
  return SOCKET.test(url) || FLV.test(url) ? 'streams' : 'all';
}

const TYPES: readonly unknown[] = ['auto', 'stream', 'hls', 'file', undefined] satisfies (
  | SourceType
  | undefined
)[];

/** None, one or several addresses, as a list. */
export function checkLines(url: unknown): readonly string[] {
  const lines = Array.isArray(url) ? url : url === undefined ? [] : [url];
  check(
    lines.every(line => typeof line === 'string'),
    'url',
    url,
  );
  return lines.filter(line => line !== '');
}

export function checkSource(source: Source): Given {
  const { renditions = [], rendition, sourceType, startTime } = source;
  check(Array.isArray(renditions), 'renditions', renditions);
  check(TYPES.includes(sourceType), 'sourceType', sourceType);
  check(rendition === undefined || (Number.isInteger(rendition) && rendition >= 0), 'rendition', rendition);
  if (startTime !== undefined) checkTime('startTime', startTime);
  return {
    lines: checkLines(source.url),
    renditions: renditions.map(checkRendition),
    rendition,
    sourceType,
    startTime,
  };
}

export function checkTime(name: string, time: unknown): number {
  return check(Number.isFinite(time), name, time) as number;
}

function checkRendition(rendition: RenditionSource): GivenRendition {
  const { url, name, bitrate, width, height } = rendition;
  const lines = checkLines(url);
  const numbers = [bitrate, width, height].every(n => n === undefined || (Number.isFinite(n) && n > 0));
  check(lines.length > 0 && typeof name === 'string' && numbers, 'renditions', rendition);
  return {
    name,
    lines,
    ...(bitrate !== undefined && { bitrate }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
  };
}

/** Its address, or that of the rendition that it begins with as far as the page knows. */
export function preferred({ lines, renditions, rendition = 0 }: Given): string | undefined {
  return lines[0] ?? (renditions[rendition] ?? renditions[0])?.lines[0];
}
