/** The errors that the publisher's page side raises itself; those of publishing come from the engine. Viewers do not load them. */
import { SailcastError } from '../../errors.js';

/** The code and what the user can do about it. */
export const PUBLISHER_ERRORS = {
  publishUnsupported: [4101, 'It takes a newer browser, with WebCodecs.'],
  insecureContext: [4102, 'Serve the page over https:, or from localhost.'],
  deviceDenied: [
    4103,
    'Ask the user to allow it in the browser\'s settings; a frame needs allow="camera; microphone".',
  ],
  deviceNotFound: [4104, 'Plug one in, or choose another source.'],
  deviceInUse: [4105, 'Close the other program that has it, or choose another device.'],
  deviceOverconstrained: [4106, 'Choose another device, or ask less of it.'],
  captureFailed: [4107, 'Try another source or another browser.'],
  soundCaptureFailed: [4108, 'The picture goes on without sound; replaceSource({ audio }) tries again.'],
  configUnavailable: [4110, 'The configuration stays as it is, and is fetched again later.'],
  configInvalid: [5103, 'The configuration stays as it is; see docs/publishing.md for what it takes.'],
} as const satisfies Record<string, readonly [code: number, advice: string]>;

/** The same errors as the player's and the engine's, with what to do about them here. */
export const SHARED_ERRORS = {
  wasmFailed: [
    4002,
    "Check that the server has dist/wasm/publisher_bg.wasm and that the page's policy allows 'wasm-unsafe-eval'; after some bundlers the option baseUrl must say where dist/ is.",
  ],
  workerFailed: [
    4003,
    "Check that the server has dist/publisher/internal/worker.js, that the page's worker-src allows it, and that it has the page's Cross-Origin-Embedder-Policy if there is one.",
  ],
  workerCrashed: [4004, 'Call start() again: it starts afresh.'],
  recordingFailed: [4109, 'Publishing goes on, and stopRecording() gives what there is so far.'],
  containerNotFound: [5002, 'Give an element, or a selector that matches one by then.'],
  optionInvalid: [5003, 'See docs/api.md for the values it takes.'],
  urlMissing: [5004, 'Give a url to the constructor or to start().'],
  destroyed: [5005, 'Make a new Publisher.'],
  recordingActive: [5104, 'Call stopRecording() first.'],
  nothingToPublish: [5102, 'Give a source of pictures or of sound.'],
} as const satisfies Record<string, readonly [code: number, advice: string]>;

const ALL = { ...PUBLISHER_ERRORS, ...SHARED_ERRORS };

/** `details` of an error that the page raises. */
export type PublisherErrorName = keyof typeof ALL;

/** An error of the lists above. `what`: what happened, one sentence without the advice. */
export function publisherError(
  details: PublisherErrorName,
  what: string,
  fatal = true,
  cause?: unknown,
): SailcastError {
  const [code, advice] = ALL[details];
  const type = code < 5000 ? 'browser' : 'usage';
  return new SailcastError({ type, details, code, fatal, message: `${what} ${advice}`, cause });
}

/** For what came in between. */
export function aborted(why: string): DOMException {
  return new DOMException(why, 'AbortError');
}

/** The same, where something else goes on. */
export function harmless(error: unknown): unknown {
  if (!(error instanceof SailcastError) || !error.fatal) return error;
  const { type, details, code, message, cause } = error;
  return new SailcastError({ type, details, code, fatal: false, message, cause });
}

/** What `getUserMedia()` and its like throw, as an error of ours. `device`: as in "the camera". */
export function captureError(error: unknown, device: string): Error {
  if (error instanceof SailcastError) return error;
  const { name, message } = error as Partial<DOMException>;
  const [details, what] = CAUSES[name ?? ''] ?? (['captureFailed', 'could not be opened'] as const);
  const why =
    name === undefined ? String(error) : `${name}${message ? `: ${message.replace(/\.$/, '')}` : ''}`;
  return publisherError(details, `The ${device} ${what} (${why}).`, true, error);
}

/** By the names that Media Capture and Streams gives. */
const CAUSES: Record<string, readonly [PublisherErrorName, string]> = {
  NotAllowedError: ['deviceDenied', 'is not allowed'],
  SecurityError: ['deviceDenied', 'is not allowed'],
  NotFoundError: ['deviceNotFound', 'is not there'],
  DevicesNotFoundError: ['deviceNotFound', 'is not there'],
  NotReadableError: ['deviceInUse', 'cannot be read'],
  AbortError: ['deviceInUse', 'cannot be read'],
  OverconstrainedError: ['deviceOverconstrained', 'cannot give what is asked'],
};
