/**
 * Requests and sockets for a stream that are sent ahead of the engine, which takes them over when it is there. They send what
 * crate/web/src/fetch.rs and socket.rs would.
 *
 * One sent for a load that may never come reads ahead: up to a bound it takes what the server sends, as a viewer does, and then
 * leaves the rest to the network. A socket cannot, and is let go.
 */

import type { SourceType } from '../types.js';

/** As crate/web/src/early.rs knows it. */
export interface EarlyRequest {
  url: string;
  abort: AbortController;
  /** Of what is fetched. */
  response?: Promise<Response> | undefined;
  /** It asked for so many bytes, the first ones; 0: for all. */
  bytes: number;
  socket?: WebSocket;
  /** The engine has it. */
  taken?: boolean;
  /** Has the socket say again what it has said, to who listens now. */
  repeat?(): void;
}

/** More than a GOP of a stream that is worth watching: 10 s at 3 Mbit/s. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** What is read at any place: the engine asks for pieces of it, and first for one of this size (crate/engine/src/file). */
const FILE = /\.(mp4|m4v|m4a|mov)(\?|#|$)/i;
const FIRST_PIECE = 512 * 1024;

/** Undefined for what cannot be asked for. */
export function ask(url: string, kind: SourceType): EarlyRequest | undefined {
  const bytes = (kind === 'auto' ? FILE.test(url) : kind === 'file') ? FIRST_PIECE : 0;
  const abort = new AbortController();
  const { signal } = abort;
  if (/^wss?:/i.test(url)) return openSocket(url, abort);
  if (!/^https?:/i.test(url)) return undefined;
  const how: RequestInit = bytes > 0 ? { headers: { Range: `bytes=0-${bytes - 1}` } } : { cache: 'no-store' };
  const response = fetch(url, { signal, ...how });
  // Whoever takes it over hears of the failure as well.
  response.catch(() => {});
  return { url, abort, response, bytes };
}

function openSocket(url: string, abort: AbortController): EarlyRequest | undefined {
  let socket: WebSocket;
  try {
    socket = new WebSocket(url);
  } catch {
    // The engine meets the same refusal, and tells.
    return undefined;
  }
  socket.binaryType = 'arraybuffer';
  /** That it opened, and that it closed. */
  const said: Event[] = [];
  const held: Uint8Array[] = [];
  let size = 0;
  const note = (event: Event) => void said.push(event);
  socket.onopen = socket.onclose = note;
  socket.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return;
    held.push(new Uint8Array(data));
    size += data.byteLength;
    if (size > AHEAD_BYTES) abort.abort();
  };
  abort.signal.onabort = () => socket.close();
  const repeat = () => {
    socket.onopen = socket.onclose = socket.onmessage = null;
    if (held.length > 0) said.splice(1, 0, new MessageEvent('message', { data: joined(held).buffer }));
    for (const event of said) socket.dispatchEvent(event);
  };
  return { url, abort, bytes: 0, socket, repeat };
}

/**
 * The same, and what comes of it is read before anybody asks for it. One that fails before is forgotten: what was not there yet may
 * be there when it is loaded.
 */
export function askAhead(url: string, kind: SourceType): EarlyRequest | undefined {
  const request = ask(url, kind);
  if (!request) return undefined;
  const forget = () => {
    if (!request.taken) request.abort.abort();
  };
  request.socket?.addEventListener('close', forget);
  request.response = request.response?.then(response => {
    if (!response.ok || !response.body) {
      forget();
      return response;
    }
    const { status, headers, url, redirected } = response;
    const ahead = new Response(readAhead(response.body), { status, headers });
    // What a playlist names is relative to where it was found.
    return Object.defineProperties(ahead, { url: { value: url }, redirected: { value: redirected } });
  });
  request.response?.catch(forget);
  return request;
}

/** `body` as a stream whose first chunk is all that came before it was first read. */
export function readAhead(body: ReadableStream<Uint8Array>, limit = AHEAD_BYTES): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const held: Uint8Array[] = [];
  let size = 0;
  let taken = false;
  /** The read under way; whoever finds it done, and may have its result, clears it. */
  let pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
  const fill = async () => {
    while (size < limit) {
      pending = reader.read();
      const { value } = await pending;
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
        const { done, value } = await (pending ?? reader.read());
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
