/**
 * Requests for a stream that are sent ahead of the engine, which takes them over when it is there. They send what
 * crate/web/src/fetch.rs would.
 *
 * A request sent for a load that may never come reads ahead: up to a bound it takes what the server sends, as a viewer
 * does, and then leaves the rest to the network.
 */

/** As crate/web/src/fetch.rs knows it. */
export interface EarlyRequest {
  url: string;
  abort: AbortController;
  response: Promise<Response>;
  /** It asked for so many bytes, the first ones; 0: for all. */
  bytes: number;
}

/** More than a GOP of a stream that is worth watching: 10 s at 3 Mbit/s. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** What is read at any place: the engine asks for pieces of it, and first for one of this size (crate/engine/src/file). */
const FILE = /\.(mp4|m4v|m4a|mov)(\?|#|$)/i;
const FIRST_PIECE = 512 * 1024;

/** Undefined for what is not fetched. `isFile`: whatever its name. */
export function ask(url: string, isFile = FILE.test(url)): EarlyRequest | undefined {
  if (!/^https?:/i.test(url)) return undefined;
  const abort = new AbortController();
  const { signal } = abort;
  const response = isFile
    ? fetch(url, { signal, headers: { Range: `bytes=0-${FIRST_PIECE - 1}` } })
    : fetch(url, { signal, cache: 'no-store' });
  // Whoever takes it over hears of the failure as well.
  response.catch(() => {});
  return { url, abort, response, bytes: isFile ? FIRST_PIECE : 0 };
}

/** The same, and its body is read before anybody asks for it. */
export function askAhead(url: string): EarlyRequest | undefined {
  const request = ask(url);
  if (!request) return undefined;
  const response = request.response.then(response => {
    if (!response.ok || !response.body) return response;
    const { status, headers, url, redirected } = response;
    const ahead = new Response(readAhead(response.body), { status, headers });
    // What a playlist names is relative to where it was found.
    return Object.defineProperties(ahead, { url: { value: url }, redirected: { value: redirected } });
  });
  response.catch(() => {});
  return { ...request, response };
}

/** `body` as a stream whose first chunk is all that came before it was first read. */
export function readAhead(body: ReadableStream<Uint8Array>, limit = AHEAD_BYTES): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const held: Uint8Array[] = [];
  let size = 0;
  let taken = false;
  /** The read under way; whoever finds it done, and may have its result, clears it. */
  let pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
  const read = () => {
    pending ??= reader.read();
    return pending;
  };
  const fill = async () => {
    while (size < limit) {
      const { value } = await read();
      // The end is left to be found by the reader, too.
      if (taken || !value) return;
      pending = undefined;
      held.push(value);
      size += value.length;
    }
  };
  // So is a failure.
  fill().catch(() => {});
  return new ReadableStream(
    {
      async pull(controller) {
        taken = true;
        if (held.length > 0) return controller.enqueue(joined(held.splice(0)));
        const { done, value } = await read();
        pending = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: reason => reader.cancel(reason),
    },
    // Nothing is pulled before somebody reads.
    { highWaterMark: 0 },
  );
}

/** In one piece, so that a demuxer sees all of it before anything is shown, and the newest picture comes first. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
