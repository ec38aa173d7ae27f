/** The fixtures' pictures and sound: an FLV reader of as many lines as our own files need, independent of ours in Rust. */
import { readFileSync } from 'node:fs';

/** `{ video, audio }`, each `{ description, packets: [{ data, pts, keyframe }] }`; times in µs. */
export function readFlv(file) {
  const bytes = readFileSync(file);
  const tracks = {
    video: { description: undefined, packets: [] },
    audio: { description: undefined, packets: [] },
  };
  let at = bytes.readUInt32BE(5) + 4;
  while (at + 11 <= bytes.length) {
    const type = bytes[at];
    const size = bytes.readUIntBE(at + 1, 3);
    const dts = bytes.readUIntBE(at + 4, 3) | (bytes[at + 7] << 24);
    const body = bytes.subarray(at + 11, at + 11 + size);
    at += 11 + size + 4;
    if (type === 9) {
      const data = body.subarray(5);
      const pts = (dts + ((body.readUIntBE(2, 3) << 8) >> 8)) * 1000;
      if (body[1] === 0) tracks.video.description = data;
      else if (body[1] === 1) tracks.video.packets.push({ data, pts, keyframe: body[0] >> 4 === 1 });
    } else if (type === 8) {
      const data = body.subarray(2);
      if (body[1] === 0) tracks.audio.description = data;
      else tracks.audio.packets.push({ data, pts: dts * 1000, keyframe: true });
    }
  }
  return tracks;
}
