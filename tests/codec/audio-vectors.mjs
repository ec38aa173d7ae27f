/** The vectors of tests/fixtures/audio.py: packets of sound, and every so many samples of what FFmpeg makes of them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './module.mjs';

const folder = process.env.SAILCAST_AUDIO ?? path.join(root, 'tests/fixtures/media');

export function names() {
  const files = readdirSync(folder).filter(file => /^audio-.*\.bin$/.test(file));
  return files.map(file => file.slice('audio-'.length, -'.bin'.length)).sort();
}

/** `{ codec, description, sampleRate, channels, samples, stride, packets, expected }`; `samples` counts all channels. */
export function read(name) {
  const bytes = readFileSync(path.join(folder, `audio-${name}.bin`));
  const end = bytes.indexOf(10);
  const head = JSON.parse(bytes.subarray(0, end));
  let at = end + 1;
  const packets = head.packets.map(length => {
    at += length;
    return bytes.subarray(at - length, at);
  });
  const expected = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + bytes.length),
  );
  return { ...head, description: Buffer.from(head.description, 'hex'), packets, expected };
}

/** How far the noise lies below FFmpeg's sound, in dB. */
export function distance(samples, vector) {
  let signal = 0;
  let noise = 0;
  vector.expected.forEach((expected, at) => {
    signal += expected ** 2;
    noise += (expected - samples[at * vector.stride]) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

/** Those of all outputs, one after the other. */
export function join(sounds) {
  const all = new Float32Array(sounds.reduce((length, sound) => length + sound.samples.length, 0));
  let at = 0;
  for (const sound of sounds) {
    all.set(sound.samples, at);
    at += sound.samples.length;
  }
  return all;
}

/** `count` packets with up to five bytes changed or the end cut off; the same seed makes the same ones. */
export function* mutants(packets, count, seed) {
  let state = seed * 2 + 1;
  const random = below => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) ^ (state >>> 15);
    state = (state + 0x6d2b79f5) | 0;
    return (state >>> 0) % below;
  };
  for (let at = 0; at < count; at++) {
    let packet = Uint8Array.from(packets[at % packets.length]);
    for (let change = random(5); change >= 0 && packet.length > 0; change--) {
      if (random(4) === 0) packet = packet.subarray(0, random(packet.length));
      else packet[random(packet.length)] = random(256);
    }
    yield packet;
  }
}
