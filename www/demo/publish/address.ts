/** Addresses: where to publish to if nobody said, and where what is published can be watched. */

/** Letters and digits that are not taken for each other. */
const SIGNS = 'abcdefghjkmnpqrstuvwxyz23456789';
const NAME_LENGTH = 5;

/** The page's own server, under a name made up. */
export function madeUp(): string {
  const url = new URL(`/live/${name()}`, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** Of what a form's field holds, the separate addresses. */
export function lines(text: string): string[] {
  return text.split(/\s+/).filter(line => line !== '');
}

/**
 * Where a stream published to this address is played, on our relay and on node-media-server; null if it is none. What is behind
 * the question mark may allow to publish, and stays out.
 */
export function watchUrl(ingest: string | undefined): string | null {
  const url = asHttp(ingest);
  return url === null ? null : `${url.origin}${url.pathname.replace(/\.flv$/, '')}.flv`;
}

/** Where our relay, as `npm start` runs it, is told how fast to read from that publisher. */
export function throttleUrl(ingest: string | undefined, bitrate: number): string | null {
  const url = asHttp(ingest);
  return url === null
    ? null
    : `${url.origin}/throttle${url.pathname.replace(/\.flv$/, '')}?bitrate=${bitrate}`;
}

function asHttp(ingest: string | undefined): URL | null {
  if (ingest === undefined || !URL.canParse(ingest, location.href)) return null;
  const url = new URL(ingest, location.href);
  url.protocol = url.protocol.replace('ws', 'http');
  return url.protocol.startsWith('http') ? url : null;
}

function name(): string {
  const random = crypto.getRandomValues(new Uint8Array(NAME_LENGTH));
  return Array.from(random, byte => SIGNS[byte % SIGNS.length]).join('');
}
