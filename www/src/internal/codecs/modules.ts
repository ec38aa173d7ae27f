/** Where the software decoders' modules are. */
import { type Builds, compile } from './fetch-module.js';

/** The names in this very form, for bundlers look for them. */
const MODULES: Record<string, Builds> = {
  h264: [
    () => new URL('../../codecs/h264.wasm', import.meta.url),
    () => new URL('../../codecs/h264.scalar.wasm', import.meta.url),
  ],
  hevc: [
    () => new URL('../../codecs/hevc.wasm', import.meta.url),
    () => new URL('../../codecs/hevc.scalar.wasm', import.meta.url),
  ],
  aac: [
    () => new URL('../../codecs/aac.wasm', import.meta.url),
    () => new URL('../../codecs/aac.scalar.wasm', import.meta.url),
  ],
  mp3: [
    () => new URL('../../codecs/mp3.wasm', import.meta.url),
    () => new URL('../../codecs/mp3.scalar.wasm', import.meta.url),
  ],
  opus: [
    () => new URL('../../codecs/opus.wasm', import.meta.url),
    () => new URL('../../codecs/opus.scalar.wasm', import.meta.url),
  ],
  flac: [
    () => new URL('../../codecs/flac.wasm', import.meta.url),
    () => new URL('../../codecs/flac.scalar.wasm', import.meta.url),
  ],
};

/** The module of this name, from the package's folder at `base` or from where the bundler put it. */
export function moduleOf(name: string, base: string | undefined): Promise<WebAssembly.Module> {
  const builds = MODULES[name];
  if (!builds) return Promise.reject(new Error(`this build has no software decoder named ${name}`));
  return compile(name, builds, base);
}
