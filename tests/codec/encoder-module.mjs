/**
 * A software encoder module as its host sees it: `crate/codec/face/src/encoder.rs` written in JavaScript.
 *
 * A trap throws WebAssembly.RuntimeError, and the instance is of no use from then on.
 */
import { Refused } from './module.mjs';

export class Encoder {
  #wasm;

  /** `config`: `{ sampleRate, channels, bitrate }`. */
  constructor(module, { sampleRate, channels, bitrate }) {
    this.#wasm = new WebAssembly.Instance(module, {}).exports;
    const config = new Uint32Array([sampleRate, channels, bitrate]);
    this.#check(this.#wasm.open(this.#put(config)));
  }

  /** Bytes of its memory: it never shrinks. */
  get memory() {
    return this.#wasm.memory.buffer.byteLength;
  }

  get bitrate() {
    return this.#wasm.bitrate();
  }

  set bitrate(bits) {
    this.#check(this.#wasm.set_bitrate(bits));
  }

  /** `samples`: interleaved, a Float32Array. The packets that are ready: `[{ pts, duration, data, description? }]`. */
  encode(samples, pts) {
    this.#check(this.#wasm.encode(this.#put(samples), pts));
    return this.#take();
  }

  flush() {
    this.#check(this.#wasm.flush());
    return this.#take();
  }

  #take() {
    const packets = [];
    for (;;) {
      const at = this.#wasm.next() >>> 0;
      if (at === 0) return packets;
      const view = new DataView(this.#wasm.memory.buffer, at);
      const description = this.#bytes(view.getUint32(24, true), view.getUint32(28, true));
      packets.push({
        pts: view.getFloat64(0, true),
        duration: view.getFloat64(8, true),
        data: this.#bytes(view.getUint32(16, true), view.getUint32(20, true)),
        ...(description.length > 0 ? { description } : {}),
      });
    }
  }

  #put(numbers) {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const at = this.#wasm.input(bytes.length) >>> 0;
    if (at === 0) throw new Refused(`${bytes.length} bytes are too many`);
    new Uint8Array(this.#wasm.memory.buffer).set(bytes, at);
    return bytes.length;
  }

  #bytes(at, length) {
    return Buffer.from(new Uint8Array(this.#wasm.memory.buffer, at >>> 0, length));
  }

  #check(result) {
    if (result >= 0) return;
    throw new Refused(this.#bytes(this.#wasm.message(), this.#wasm.message_len()).toString());
  }
}

const RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000];

/** What an AudioSpecificConfig says. */
export const described = ([one, two]) => ({
  sampleRate: RATES[((one & 7) << 1) | (two >> 7)],
  channels: (two >> 3) & 15,
});

/** Packets of one description as a file that ffmpeg reads: each with an ADTS header. */
export function adts(packets) {
  const { sampleRate, channels } = described(packets[0].description);
  const rate = RATES.indexOf(sampleRate);
  const framed = packets.map(({ data }) => {
    const size = data.length + 7;
    const head = [0xff, 0xf1, 0x40 | (rate << 2), (channels << 6) | (size >> 11)];
    return Buffer.concat([Buffer.from([...head, (size >> 3) & 255, ((size & 7) << 5) | 0x1f, 0xfc]), data]);
  });
  return Buffer.concat(framed);
}
