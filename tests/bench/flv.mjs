/** As much of FLV as a replay needs: where the tags are, what they are, and how to stamp them with another time. */

const HEADER = 13;
const TAG_HEADER = 11;
const [AUDIO, VIDEO, SCRIPT] = [8, 9, 18];

/**
 * A file as its `header`, the tags that come `first` for every viewer (script data and codec configurations) and the
 * `packets` in the order of the file. Times are milliseconds; `start` is the time of the first picture.
 */
export function readFlv(bytes) {
  const first = [];
  const packets = [];
  for (let at = HEADER; at + TAG_HEADER < bytes.length; ) {
    const type = bytes[at] & 0x1f;
    const end = at + TAG_HEADER + bytes.readUIntBE(at + 1, 3) + 4;
    const time = bytes.readUIntBE(at + 4, 3) + bytes[at + 7] * 2 ** 24;
    const configuration = (type === VIDEO || type === AUDIO) && bytes[at + TAG_HEADER + 1] === 0;
    const keyframe = type === VIDEO && bytes[at + TAG_HEADER] >> 4 === 1;
    const tag = { type, time, keyframe, bytes: bytes.subarray(at, end) };
    if (type === SCRIPT || configuration) first.push(tag);
    // An end of sequence (2) is the file's, not the stream's.
    else if (type !== VIDEO || bytes[at + TAG_HEADER + 1] === 1) packets.push(tag);
    at = end;
  }
  const start = packets.find(tag => tag.type === VIDEO).time;
  const pictures = packets.filter(tag => tag.type === VIDEO).length;
  return { header: bytes.subarray(0, HEADER), first, packets, start, pictures };
}

/** A copy of the tag at another time. */
export function stamped(tag, time) {
  const copy = Buffer.from(tag.bytes);
  copy.writeUIntBE(time % 2 ** 24, 4, 3);
  copy[7] = Math.floor(time / 2 ** 24) % 256;
  return copy;
}
