/**
 * One decoder: an instance of a module, spoken to as crate/codec/face/src/lib.rs says.
 *
 * Its invariant: outputs are read before the next call, for that is how long they are valid. What throws here is a trap, or
 * something no module does: the instance is of no more use, and its memory goes with it.
 */

interface Exports {
  memory: WebAssembly.Memory;
  input(length: number): number;
  open(length: number): number;
  decode(length: number, pts: number, keyframe: number): number;
  flush(): number;
  next(): number;
  message(): number;
  message_len(): number;
}

/** `RawPicture` of crate/codec/face/src/output.rs; `memory` is the module's, and the offsets lead into it. */
export interface RawPicture {
  memory: ArrayBuffer;
  timestamp: number;
  width: number;
  height: number;
  bitDepth: number;
  chromaShiftX: number;
  chromaShiftY: number;
  /** Y, U, V. */
  planes: { offset: number; stride: number; length: number }[];
}

export interface Sound {
  timestamp: number;
  sampleRate: number;
  channels: number;
  data: Float32Array;
}

/** Whoever takes outputs; of the kind that the module gives. */
export interface Outputs {
  picture(picture: RawPicture): void;
  sound(sound: Sound): void;
}

/** Sizes of pictures that no decoder gives: what says so is broken. */
const LARGEST_SIDE = 16384;

export class Instance {
  readonly #exports: Exports;
  readonly #video: boolean;
  readonly #outputs: Outputs;

  /** Throws what the module has against the configuration. */
  constructor(module: WebAssembly.Module, video: boolean, config: Uint8Array, outputs: Outputs) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    this.#video = video;
    this.#outputs = outputs;
    if (this.#exports.open(this.#write(config)) < 0) throw new Error(this.#message());
  }

  /** Gives what came of the packet to the outputs; returns why it was left out, if it was. */
  decode(data: Uint8Array, pts: number, keyframe: boolean): string | undefined {
    return this.#answer(this.#exports.decode(this.#write(data), pts, keyframe ? 1 : 0));
  }

  flush(): void {
    this.#answer(this.#exports.flush());
  }

  #answer(result: number): string | undefined {
    const why = result < 0 ? this.#message() : undefined;
    // Also after an error: what came before it is good.
    for (let at = this.#exports.next(); at !== 0; at = this.#exports.next()) {
      if (this.#video) this.#outputs.picture(this.#picture(at >>> 0));
      else this.#outputs.sound(this.#sound(at >>> 0));
    }
    return why;
  }

  #write(bytes: Uint8Array): number {
    const at = this.#exports.input(bytes.length) >>> 0;
    if (at === 0) throw new Error(`${bytes.length} bytes are more than the decoder takes`);
    new Uint8Array(this.#exports.memory.buffer, at, bytes.length).set(bytes);
    return bytes.length;
  }

  #message(): string {
    const at = this.#exports.message() >>> 0;
    return new TextDecoder().decode(
      new Uint8Array(this.#exports.memory.buffer, at, this.#exports.message_len()),
    );
  }

  #picture(at: number): RawPicture {
    const memory = this.#exports.memory.buffer;
    const raw = new DataView(memory, at, 64);
    const number = (offset: number) => raw.getUint32(offset, true);
    const picture = {
      memory,
      timestamp: raw.getFloat64(0, true),
      width: number(8),
      height: number(12),
      bitDepth: number(16),
      chromaShiftX: number(20),
      chromaShiftY: number(24),
      planes: [28, 40, 52].map(at => ({
        offset: number(at),
        stride: number(at + 4),
        length: number(at + 8),
      })),
    };
    if (Math.max(picture.width, picture.height) > LARGEST_SIDE || picture.width * picture.height === 0)
      throw new Error(`a picture of ${picture.width} x ${picture.height}`);
    return picture;
  }

  #sound(at: number): Sound {
    const memory = this.#exports.memory.buffer;
    const raw = new DataView(memory, at, 24);
    return {
      timestamp: raw.getFloat64(0, true),
      sampleRate: raw.getUint32(8, true),
      channels: raw.getUint32(12, true),
      data: new Float32Array(memory, raw.getUint32(16, true), raw.getUint32(20, true)).slice(),
    };
  }
}
