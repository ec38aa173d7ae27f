/**
 * The AAC encoder in WebAssembly, as crate/web-publisher/src/encoder/software.rs speaks to it: its module is fetched when the
 * first one is made, and what it is given until then waits: so much as comes while a module may be on its way. No method throws.
 */
import {
  type EncodedSound,
  type EncoderConfig,
  EncoderInstance,
} from '../../internal/codecs/encoder-instance.js';
import { type Builds, compile } from '../../internal/codecs/fetch-module.js';

/** The names in this very form, for bundlers look for them. */
const BUILDS: Builds = [
  () => new URL('../../codecs/aac-encoder.wasm', import.meta.url),
  () => new URL('../../codecs/aac-encoder.scalar.wasm', import.meta.url),
];

/** Packets, then null for flushed; or why it has failed, as the last thing. */
export type Said = EncodedSound | null | string;

export class SoundEncoder {
  readonly #said: (said: Said) => void;
  #instance: EncoderInstance | undefined;
  /** What came before the module. */
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(config: EncoderConfig, said: (said: Said) => void, base: string | undefined) {
    this.#said = said;
    compile('aac-encoder', BUILDS, base).then(
      module => this.#attempt(() => this.#begin(module, config)),
      error => this.#fail(error),
    );
  }

  /** Interleaved. `timestamp`: of the first sample, µs. */
  encode(samples: Float32Array, timestamp: number): void {
    this.#do(instance => instance.encode(samples, timestamp));
  }

  setBitrate(bitrate: number): void {
    this.#do(instance => instance.setBitrate(bitrate));
  }

  flush(): void {
    this.#do(instance => {
      instance.flush();
      this.#said(null);
    });
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#instance = undefined;
  }

  #begin(module: WebAssembly.Module, config: EncoderConfig): void {
    if (this.#closed) return;
    this.#instance = new EncoderInstance(module, config, this.#said);
    for (const act of this.#waiting.splice(0)) act();
  }

  #do(act: (instance: EncoderInstance) => void): void {
    const now = () => this.#attempt(() => this.#instance && act(this.#instance));
    if (this.#instance) now();
    else if (!this.#closed) this.#waiting.push(now);
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#said(error instanceof Error ? error.message : String(error));
  }
}
