/**
 * `SailcastError`, and the list of the errors that the page raises itself. Those of the network (1xxx), the media (2xxx)
 * and the decoders (3xxx) come from the engine, which has the list of them, and arrive here complete.
 */

/** The family of an error; the thousands of its code. */
export type ErrorType = 'network' | 'media' | 'decode' | 'browser' | 'usage' | 'encode';

/** What went wrong, for a program (`code`, `details`, `fatal`) and for a person (`message`, which says what to do). */
export class SailcastError extends Error {
  override readonly name = 'SailcastError';
  readonly type: ErrorType;
  /** A camelCase name, unique to the code: `httpStatus`, `webCodecsMissing`, ... */
  readonly details: string;
  /** 1xxx network, 2xxx media, 3xxx decode, 4xxx browser, 5xxx usage, 6xxx encode. A code never changes its meaning. */
  readonly code: number;
  /** This load is over; `load()` starts anew. False: a warning, playback goes on. */
  readonly fatal: boolean;

  constructor(fields: {
    type: ErrorType;
    details: string;
    code: number;
    fatal: boolean;
    message: string;
    cause?: unknown;
  }) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.type = fields.type;
    this.details = fields.details;
    this.code = fields.code;
    this.fatal = fields.fatal;
  }
}

/** Raised by the page: the code and what the user can do about it. 5001 is the engine's `urlUnsupported`. */
export const PAGE_ERRORS = {
  webCodecsMissing: [4001, 'It takes a newer browser.'],
  wasmFailed: [
    4002,
    "Check that the server has dist/wasm/ and that the page's policy allows 'wasm-unsafe-eval'; after some bundlers the option baseUrl must say where dist/ is.",
  ],
  workerFailed: [
    4003,
    "Check that the server has dist/internal/worker.js, that the page's worker-src allows it, and that it has the page's Cross-Origin-Embedder-Policy if there is one.",
  ],
  workerCrashed: [4004, 'Call load() again: it starts afresh. Please report the address of the stream.'],
  audioFailed: [4005, 'The picture goes on without sound; set muted to false to try again.'],
  recordingFailed: [4109, 'Playback goes on, and stopRecording() gives what there is so far.'],
  containerNotFound: [5002, 'Give an element, or a selector that matches one when the player is made.'],
  optionInvalid: [5003, 'See docs/api.md for the values it takes.'],
  urlMissing: [5004, 'Give a url to the constructor or to load().'],
  destroyed: [5005, 'Make a new Player.'],
  notPlaying: [5006, 'Wait until something plays.'],
  recordingActive: [5104, 'Call stopRecording() first.'],
} as const satisfies Record<string, readonly [code: number, advice: string]>;

/** `details` of an error that the page raises. */
export type PageErrorName = keyof typeof PAGE_ERRORS;

/** An error of the list above. `what`: what happened, one sentence without the advice. */
export function pageError(
  details: PageErrorName,
  what: string,
  fatal = true,
  cause?: unknown,
): SailcastError {
  const [code, advice] = PAGE_ERRORS[details];
  const type = code < 5000 ? 'browser' : 'usage';
  return new SailcastError({ type, details, code, fatal, message: `${what} ${advice}`, cause });
}
