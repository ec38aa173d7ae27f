/**
 * Opens the connection to a server while the worker that will use it is still starting: name, TCP and TLS cost round trips.
 * A hint that may come to nothing, and nothing waits for it.
 */

/** The browser acts on a hint when it is added; then the element is of no more use. */
const HINT_LIFE = 1000;

/** For an absolute address. WebSockets share no connections with other requests. */
export function preconnect(url: string): void {
  const origin = /^https?:\/\/[^/?#]+/i.exec(url)?.[0];
  if (!origin) return;
  const link = document.createElement('link');
  link.rel = 'preconnect';
  link.href = origin;
  // The stream's request has no credentials at other origins; connections with and without are kept apart.
  if (origin !== location.origin) link.crossOrigin = 'anonymous';
  document.head.append(link);
  setTimeout(() => link.remove(), HINT_LIFE);
}
