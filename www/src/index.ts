/** The package's main entry. Importing it has no effect and works on a server. */
export { type ErrorType, SailcastError } from './errors.js';
export { isSupported } from './internal/support.js';
export { Player } from './player.js';
export type {
  BufferedRanges,
  Fit,
  PlayerEventMap,
  PlayerEventTarget,
  PlayerOptions,
  PlayerSnapshot,
  PlayerState,
  PlayerStats,
  Renderer,
} from './types.js';
