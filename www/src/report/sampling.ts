/** Which sessions report: decided by the session's id alone, so that each asks once and all parts of one agree. */

/** In [0, 1), evenly spread over ids: FNV-1a with the finish of MurmurHash3. */
export function draw(session: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(session)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** `rate`: the part of all sessions, 0 to 1. A session that is in at one rate is in at every higher one. */
export function isSampled(session: string, rate: number): boolean {
  return draw(session) < rate;
}
