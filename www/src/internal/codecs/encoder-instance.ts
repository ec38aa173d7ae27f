/**
 * One encoder of sound: an instance of a module, spoken to as crate/codec/face/src/encoder.rs says.
 *
 * Its invariant: packets are read before the next call, for that is how long they are valid. What throws here, other than the
 * constructor, is a trap, or something no module does: the instance is of no more use, and its memory goes with it.
 */

interface Exports {
  memory: WebAssembly.Memory;
  input(length: number): number;
  open(length: number): number;
  encode(length: number, pts: number): number;
  set_bitrate(bitrate: number): number;
  bitrate(): number;
  flush(): number;
  next(): number;
  message(): number;
  message_len(): number;
}

/** Of all channels together, in bits a second. */
export interface EncoderConfig {
  sampleRate: number;
  channels: number;
  bitrate: number;
}

export interface EncodedSound {
  /** Of the first sample that a decoder makes of it, µs; the first packet's lies before the first sample that was encoded. */
  timestamp: number;
  /** µs. */
  duration: number;
  data: Uint8Array<ArrayBuffer>;
  /**
   * The AudioSpecificConfig from this packet on: with the first one, and where the sound has another rate or number of channels
   * from then on, as few bits make it.
   */
  description: Uint8Array<ArrayBuffer> | undefined;
}

/** Whole frames of one channel or two, and less than the module's input holds. */
const SAMPLES_AT_ONCE = 1 << 18;

export class EncoderInstance {
  readonly #exports: Exports;
  readonly #config: EncoderConfig;
  readonly #output: (sound: EncodedSound) => void;

  /** Throws what the module has against the configuration. */
  constructor(module: WebAssembly.Module, config: EncoderConfig, output: (sound: EncodedSound) => void) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    this.#config = config;
    this.#output = output;
    const numbers = new Uint32Array([config.sampleRate, config.channels, config.bitrate]);
    this.#check(this.#exports.open(this.#write(numbers)));
  }

  /** In force: the nearest to the one asked for that the encoder can do. */
  get bitrate(): number {
    return this.#exports.bitrate() >>> 0;
  }

  /** Takes effect with the next packet, or soon after where it makes another description. */
  setBitrate(bitrate: number): void {
    this.#check(this.#exports.set_bitrate(bitrate));
  }

  /** `samples`: interleaved, whole frames, any number of them; `timestamp`: of the first, µs. */
  encode(samples: Float32Array, timestamp: number): void {
    const { channels, sampleRate } = this.#config;
    for (let at = 0; at < samples.length; at += SAMPLES_AT_ONCE) {
      const some = samples.subarray(at, at + SAMPLES_AT_ONCE);
      const time = timestamp + ((at / channels) * 1e6) / sampleRate;
      this.#check(this.#exports.encode(this.#write(some), time));
      this.#give();
    }
  }

  /** Gives what is inside; what is encoded next begins anew. */
  flush(): void {
    this.#check(this.#exports.flush());
    this.#give();
  }

  #give(): void {
    for (let at = this.#exports.next() >>> 0; at !== 0; at = this.#exports.next() >>> 0) {
      const raw = new DataView(this.#exports.memory.buffer, at, 32);
      const description = this.#bytes(raw.getUint32(24, true), raw.getUint32(28, true));
      this.#output({
        timestamp: raw.getFloat64(0, true),
        duration: raw.getFloat64(8, true),
        data: this.#bytes(raw.getUint32(16, true), raw.getUint32(20, true)),
        description: description.length > 0 ? description : undefined,
      });
    }
  }

  #write(numbers: Uint32Array | Float32Array): number {
    const length = numbers.byteLength;
    const at = this.#exports.input(length) >>> 0;
    if (at === 0) throw new Error(`${length} bytes are more than the encoder takes`);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, length);
    new Uint8Array(this.#exports.memory.buffer, at, length).set(bytes);
    return length;
  }

  /** A copy. */
  #bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#exports.memory.buffer, at >>> 0, length).slice();
  }

  #check(result: number): void {
    if (result >= 0) return;
    throw new Error(
      new TextDecoder().decode(this.#bytes(this.#exports.message(), this.#exports.message_len())),
    );
  }
}
