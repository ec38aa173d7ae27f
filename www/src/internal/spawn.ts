/** Workers from the package's folder, wherever that is. */

/**
 * A worker of this script. `here` makes it from the page's own origin, in the form that bundlers look for; undefined where the
 * address was given.
 */
export function spawn(script: URL, name: string, here: (() => Worker) | undefined): Worker {
  if (script.origin === location.origin) return here?.() ?? new Worker(script, { type: 'module', name });
  // dist/ on another origin, such as a CDN: no worker may start from there, but one may import from there.
  const code = `import ${JSON.stringify(script.href)};`;
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module', name });
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

/** The folder at an address that may be relative to the page; undefined for what is none. */
export function folder(url: unknown): URL | undefined {
  try {
    return new URL(`${url}`.replace(/\/?$/, '/'), document.baseURI);
  } catch {
    return undefined;
  }
}
