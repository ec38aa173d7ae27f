/** The package's main entry. Importing it has no effect and works on a server. */
export { type ErrorType, SailcastError } from './errors.js';
export { isSupported } from './internal/support.js';
export { Player } from './player.js';
export { type Preload, type PreloadOptions, preload } from './preload.js';
export type {
  Background,
  BufferedRanges,
  CmcdOptions,
  DecoderChangeReason,
  DecoderChoice,
  DecoderPath,
  Fit,
  Latency,
  LatencyPercentiles,
  LatencyRange,
  PlaybackQuality,
  PlayerEventMap,
  PlayerEventTarget,
  PlayerOptions,
  PlayerSnapshot,
  PlayerState,
  PlayerStats,
  ProbeRequest,
  ProbeResult,
  QosCause,
  ReconnectReason,
  Renderer,
  ResolveRequest,
  Rotation,
  Stall,
  StallCause,
  Stalls,
  StartUp,
  StreamMessage,
  Track,
} from './types.js';
