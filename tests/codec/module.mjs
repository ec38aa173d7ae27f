/**
 * A software decoder module as its host sees it: `crate/codec/face/src/lib.rs` written in JavaScript.
 *
 * A trap throws WebAssembly.RuntimeError, and the instance is of no use from then on.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Elsewhere to try a build that is not in dist/. */
const folder = process.env.SAILCAST_CODECS ?? path.join(root, 'dist/codecs');

/** With SIMD and without. */
export const FLAVOURS = ['wasm', 'scalar.wasm'];

export function compile(name, flavour = 'wasm') {
  return new WebAssembly.Module(readFileSync(path.join(folder, `${name}.${flavour}`)));
}

/** Thrown for what the module refuses. */
export class Refused extends Error {}

export class Codec {
  #wasm;
  #isVideo;

  /** `config`: `{ description, width, height }` or `{ description, sampleRate, channels }`. */
  constructor(module, config) {
    this.#wasm = new WebAssembly.Instance(module, {}).exports;
    this.#isVideo = config.sampleRate === undefined;
    const description = config.description ?? new Uint8Array();
    const head = new Uint32Array([
      (this.#isVideo ? config.width : config.sampleRate) ?? 0,
      (this.#isVideo ? config.height : config.channels) ?? 0,
      description.length,
    ]);
    const bytes = new Uint8Array(12 + description.length);
    bytes.set(new Uint8Array(head.buffer));
    bytes.set(description, 12);
    this.#check(this.#wasm.open(this.#put(bytes)));
  }

  /** Bytes of its memory: it never shrinks. */
  get memory() {
    return this.#wasm.memory.buffer.byteLength;
  }

  /** All outputs that are ready; planes and samples are copies. */
  decode(data, pts, keyframe) {
    this.#check(this.#wasm.decode(this.#put(data), pts, keyframe ? 1 : 0));
    return this.take();
  }

  flush() {
    this.#check(this.#wasm.flush());
    return this.take();
  }

  /** What waits: also after an error there may be some. */
  take() {
    const outputs = [];
    for (;;) {
      const at = this.#wasm.next() >>> 0;
      if (at === 0) return outputs;
      outputs.push(this.#isVideo ? this.#picture(at) : this.#sound(at));
    }
  }

  #put(bytes) {
    const at = this.#wasm.input(bytes.length) >>> 0;
    if (at === 0) throw new Refused(`${bytes.length} bytes are too many`);
    new Uint8Array(this.#wasm.memory.buffer).set(bytes, at);
    return bytes.length;
  }

  #check(result) {
    if (result >= 0) return;
    const at = this.#wasm.message() >>> 0;
    const bytes = new Uint8Array(this.#wasm.memory.buffer, at, this.#wasm.message_len());
    throw new Refused(new TextDecoder().decode(bytes));
  }

  #picture(at) {
    const view = new DataView(this.#wasm.memory.buffer, at);
    const field = offset => view.getUint32(offset, true);
    const planes = [28, 40, 52].map(offset => ({
      data: new Uint8Array(this.#wasm.memory.buffer.slice(field(offset), field(offset) + field(offset + 8))),
      stride: field(offset + 4),
    }));
    return {
      pts: view.getFloat64(0, true),
      width: field(8),
      height: field(12),
      bitDepth: field(16),
      chromaShift: [field(20), field(24)],
      planes,
    };
  }

  #sound(at) {
    const view = new DataView(this.#wasm.memory.buffer, at);
    const field = offset => view.getUint32(offset, true);
    const start = field(16);
    return {
      pts: view.getFloat64(0, true),
      sampleRate: field(8),
      channels: field(12),
      samples: new Float32Array(this.#wasm.memory.buffer.slice(start, start + field(20) * 4)),
    };
  }
}

/** The bytes of a picture without gaps between rows, as ffmpeg's rawvideo has them. */
export function rawvideo(picture) {
  const bytes = picture.bitDepth > 8 ? 2 : 1;
  const [shiftX, shiftY] = picture.chromaShift;
  const rows = picture.planes.flatMap((plane, at) => {
    const round = (size, shift) => (at === 0 ? size : (size + (1 << shift) - 1) >> shift);
    const width = round(picture.width, shiftX) * bytes;
    const height = round(picture.height, shiftY);
    if (plane.stride === width) return [plane.data];
    return Array.from({ length: height }, (_, y) =>
      plane.data.subarray(y * plane.stride, y * plane.stride + width),
    );
  });
  return Buffer.concat(rows);
}
