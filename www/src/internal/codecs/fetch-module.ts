/**
 * A software codec's module: which of its two builds this machine takes, fetched and compiled once for all that a worker makes of
 * it. Where modules are is their users' to say: a bundler carries what is named where it is imported.
 */

/** A server that has not sent a module in this time will not, ms: 400 KB at 160 kbit/s. */
const MODULE_WITHIN = 20_000;

/** The second one is for machines without SIMD. */
export type Builds = readonly [simd: () => URL, scalar: () => URL];

/** A function of one instruction, `i8x16.popcnt` of a splat. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The module of this name, from the package's folder at `base` or from where the bundler put its builds. */
export function compile(name: string, builds: Builds, base: string | undefined): Promise<WebAssembly.Module> {
  const simd = WebAssembly.validate(new Uint8Array(SIMD));
  const here = builds[simd ? 0 : 1];
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
