/** Playback quality for a server: an entry of its own, so that who does not report does not load it. */
export type { RemoteConfig } from './config.js';
export type { Attributes } from './otlp.js';
export { DEFAULT_SELECTION, EVENTS, type Record, type ReportEvent, type Selection } from './records.js';
export { Reporter, type ReporterOptions } from './reporter.js';
