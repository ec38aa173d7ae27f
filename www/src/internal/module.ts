/** The page's WebAssembly modules, each compiled once for all workers; one that fails is forgotten, so that the next try is a new one. */

/** A server that has not sent the wasm in this time will not, ms: 100 KB at 40 kbit/s. */
const WASM_WITHIN = 20_000;

const compiled = new Map<string, Promise<WebAssembly.Module>>();

export function compileModule({ href }: URL): Promise<WebAssembly.Module> {
  let module = compiled.get(href);
  if (!module) {
    module = fetchModule(href).catch(error => {
      compiled.delete(href);
      throw error;
    });
    compiled.set(href, module);
  }
  return module;
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url, { signal: AbortSignal.timeout(WASM_WITHIN) });
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${response.url}`);
  // Streaming compilation insists on this type, and many a server does not know it.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}
