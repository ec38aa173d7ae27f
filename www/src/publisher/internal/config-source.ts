/**
 * The configuration document of an address, fetched again when its age is over.
 *
 * `no-cache` lets the browser ask with the ETag it has, and a document that has not changed costs no body. One that cannot be
 * had or read changes nothing: the last good one stays, and the error is told.
 */
import type { SailcastError } from '../../errors.js';
import { type ConfigDocument, MAX_DOCUMENT, maxAgeOf, parseDocument } from '../config.js';
import { publisherError } from './errors.js';

const WITHIN = 10_000;

export interface ConfigSourceEvents {
  /** One that differs from the last. */
  document(document: ConfigDocument): void;
  error(error: SailcastError): void;
}

export class ConfigSource {
  readonly #url: string;
  readonly #interval: number;
  readonly #events: ConfigSourceEvents;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #text: string | undefined;
  #first: Promise<void> | undefined;

  /** `interval`: seconds, where the document does not say. */
  constructor(url: string, interval: number, events: ConfigSourceEvents) {
    this.#url = url;
    this.#interval = interval;
    this.#events = events;
  }

  /** Resolves after the first try, or when it takes longer than `within` ms. */
  async first(within: number): Promise<void> {
    const late = new Promise(resolve => setTimeout(resolve, within));
    await Promise.race([this.#first, late]);
  }

  /** Fetches it now. Resolves when that is done, whatever came of it. */
  refresh(): Promise<void> {
    const done = this.#refresh();
    this.#first ??= done;
    return done;
  }

  async #refresh(): Promise<void> {
    const { signal } = this.#stop;
    clearTimeout(this.#timer);
    let age = this.#interval;
    try {
      const text = await this.#fetch();
      const document = read(text);
      if (signal.aborted) return;
      age = maxAgeOf(document) ?? age;
      const same = text === this.#text;
      this.#text = text;
      if (!same) this.#events.document(document);
    } catch (error) {
      if (signal.aborted) return;
      this.#events.error(error as SailcastError);
    }
    clearTimeout(this.#timer);
    if (!signal.aborted) this.#timer = setTimeout(() => void this.refresh(), age * 1000);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
  }

  async #fetch(): Promise<string> {
    const late = AbortSignal.timeout(WITHIN);
    const abort = new AbortController();
    for (const signal of [late, this.#stop.signal])
      signal.addEventListener('abort', () => abort.abort(), { once: true, signal: abort.signal });
    try {
      const response = await fetch(this.#url, {
        cache: 'no-cache',
        credentials: 'same-origin',
        signal: abort.signal,
      });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      return await limited(response);
    } catch (error) {
      if (error instanceof TooLarge) throw invalid(error);
      const why = late.aborted ? `no answer within ${WITHIN / 1000} s` : (error as Error).message;
      throw publisherError(
        'configUnavailable',
        `The configuration could not be fetched: ${why}.`,
        false,
        error,
      );
    }
  }
}

class TooLarge extends Error {}

/** Its text, read no further than a document may be long. */
async function limited(response: Response): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return text;
    text += chunk.value;
    if (text.length > MAX_DOCUMENT) {
      reader?.cancel().catch(() => {});
      throw new TooLarge(`it has more than ${MAX_DOCUMENT} characters`);
    }
  }
}

function read(text: string): ConfigDocument {
  try {
    return parseDocument(text);
  } catch (error) {
    throw invalid(error as Error);
  }
}

function invalid(error: Error): SailcastError {
  const why = error.message.replace(/\.$/, '');
  return publisherError('configInvalid', `The configuration document is not taken: ${why}.`, false, error);
}
