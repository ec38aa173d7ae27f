/**
 * The capture worklet: takes what is mixed and posts it to the worker, in blocks of planes on the context's own clock.
 *
 * It imports nothing at run time, so that every bundler may copy it as it is. Without an input it posts silence, and it plays
 * silence, for a node that is connected to nothing need not run. It never ends by itself.
 */
import type { CapturedSound } from '../protocol.js';

declare const sampleRate: number;
declare const currentFrame: number;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

/** Frames of a block: 21 ms at 48 kHz, and as much as an AAC packet holds. Each one wakes the worker. */
const BLOCK = 1024;

/** Gathers quanta, whatever their length, into blocks. */
export class Blocks {
  readonly #post: (sound: CapturedSound) => void;
  readonly #channels: number;
  #planes: Float32Array[] = [];
  #filled = 0;
  #position = 0;

  constructor(channels: number, post: (sound: CapturedSound) => void) {
    this.#channels = channels;
    this.#post = post;
  }

  /** `input`: no channels for silence; one for all. `position`: frames of the clock before the first one. */
  push(input: readonly Float32Array[], frames: number, position: number): void {
    // The context does not run evenly after a suspension.
    if (position !== this.#position + this.#filled) this.#begin(position);
    for (let from = 0; from < frames; ) {
      if (this.#planes.length === 0) this.#begin(position + from);
      const length = Math.min(frames - from, BLOCK - this.#filled);
      for (let channel = 0; channel < this.#channels; channel++) {
        const plane = input[channel] ?? input[0];
        if (plane) this.#planes[channel]?.set(plane.subarray(from, from + length), this.#filled);
      }
      this.#filled += length;
      from += length;
      if (this.#filled === BLOCK) this.#give();
    }
  }

  #begin(position: number): void {
    this.#planes = Array.from({ length: this.#channels }, () => new Float32Array(BLOCK));
    this.#position = position;
    this.#filled = 0;
  }

  #give(): void {
    this.#post({ position: this.#position, channels: this.#planes });
    this.#planes = [];
    this.#position += BLOCK;
    this.#filled = 0;
  }
}

const Base = (globalThis as { AudioWorkletProcessor?: typeof AudioWorkletProcessor }).AudioWorkletProcessor;

if (Base) {
  class Capture extends Base {
    #blocks: Blocks | undefined;

    constructor() {
      super();
      // Another port when another worker takes over.
      let last: MessagePort | undefined;
      this.port.onmessage = ({ data }: MessageEvent<{ port: MessagePort; channels: number }>) => {
        last?.close();
        last = data.port;
        this.#blocks = new Blocks(data.channels, sound => {
          data.port.postMessage(
            sound,
            sound.channels.map(({ buffer }) => buffer),
          );
        });
      };
    }

    process([input = []]: Float32Array[][], [output = []]: Float32Array[][]): boolean {
      this.#blocks?.push(input, (input[0] ?? output[0])?.length ?? 0, currentFrame);
      return true;
    }
  }
  registerProcessor('sailcast-capture', Capture);
}
