/** Tags of a fixture, as far as the tests need them: where each begins, what it is, when it is due. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FIXTURES } from '../../interop/ffmpeg.js';

export interface Tag {
  kind: 'audio' | 'video' | 'script';
  /** Milliseconds. */
  timestamp: number;
  /** Decoder configuration. */
  config: boolean;
  keyframe: boolean;
  /** Header, body and PreviousTagSize. */
  bytes: Buffer;
}

export interface Flv {
  /** File header and the first PreviousTagSize. */
  header: Buffer;
  tags: Tag[];
}

const HEADER = 13;
const TAG_HEADER = 11;
const BACK_POINTER = 4;

export function readFlv(fixture: string): Flv {
  return parseFlv(readFileSync(path.join(FIXTURES, `${fixture}.flv`)));
}

/** The whole tags of a file that may end anywhere. */
export function parseFlv(file: Buffer): Flv {
  const tags: Tag[] = [];
  for (let at = HEADER; at + TAG_HEADER <= file.length; ) {
    const size = file.readUIntBE(at + 1, 3);
    const end = at + TAG_HEADER + size + BACK_POINTER;
    if (end > file.length) break;
    const kind = ({ 8: 'audio', 9: 'video', 18: 'script' } as const)[file.readUInt8(at) as 8 | 9 | 18];
    const body = at + TAG_HEADER;
    tags.push({
      kind,
      timestamp: file.readUIntBE(at + 4, 3) + file.readUInt8(at + 7) * 2 ** 24,
      config: kind !== 'script' && file.readUInt8(body + 1) === 0,
      keyframe: kind === 'video' && file.readUInt8(body) >> 4 === 1,
      bytes: file.subarray(at, end),
    });
    at = end;
  }
  return { header: file.subarray(0, HEADER), tags };
}
