/**
 * The software codecs' modules: where they are, which of the two builds this machine takes, and each fetched and compiled
 * once for all that a worker makes of it.
 */

/** A server that has not sent a module in this time will not, ms: 400 KB at 160 kbit/s. */
const MODULE_WITHIN = 20_000;

/** The names in this very form, for bundlers look for them. Beside each the build for machines without SIMD. */
const MODULES: Record<string, readonly [simd: () => URL, scalar: () => URL]> = {
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
  'aac-encoder': [
    () => new URL('../../codecs/aac-encoder.wasm', import.meta.url),
    () => new URL('../../codecs/aac-encoder.scalar.wasm', import.meta.url),
  ],
};

/** A function of one instruction, `i8x16.popcnt` of a splat. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The module of this name, from the package's folder at `base` or from where the bundler put it. */
export function moduleOf(name: string, base: string | undefined): Promise<WebAssembly.Module> {
  const simd = WebAssembly.validate(new Uint8Array(SIMD));
  const here = MODULES[name]?.[simd ? 0 : 1];
  if (!here) return Promise.reject(new Error(`this build has no software codec named ${name}`));
  const url = base ? new URL(`codecs/${name}${simd ? '' : '.scalar'}.wasm`, base).href : here().href;
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url).catch(error => {
      // The next one tries again.
      compiled.delete(url);
      throw new Error(`the software codec at ${url} could not be loaded: ${error}`);
    });
    compiled.set(url, module);
  }
  return module;
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url, { signal: AbortSignal.timeout(MODULE_WITHIN) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  // Streaming compilation insists on this type, and many a server does not know it.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}
