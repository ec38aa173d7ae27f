/** Public types of the player. Times are seconds, rates bit/s, sizes pixels unless a name says otherwise. */
import type { SailcastError } from './errors.js';
import type { PlaybackQuality, QosCause, StartUp } from './quality.js';
import type { VideoRendition } from './renditions.js';

export type * from './quality.js';

/** How the picture fills its box; as CSS `object-fit`. */
export type Fit = 'contain' | 'cover' | 'fill';

/** Degrees by which the picture is turned clockwise. */
export type Rotation = 0 | 90 | 180 | 270;

/** What draws: a `MediaStreamTrackGenerator` shown by `<video>`, or an `OffscreenCanvas` in the worker, in 2D or by WebGL2. */
export type Renderer = 'track' | 'canvas' | 'webgl';

/**
 * What decodes: the browser's own decoders, and where those do not work software ones in WebAssembly (`auto`); only the
 * browser's; or only software, and what the browser has is not tried.
 */
export type DecoderChoice = 'auto' | 'webcodecs' | 'wasm';

/** The browser's own decoders, or software in WebAssembly. */
export type DecoderPath = 'webcodecs' | 'wasm';

/**
 * Why a decoder of another kind took over: the option `decoder` says so, the browser has none (as on a plain `http:` page), it
 * refused the stream, it gave nothing in its time, the stream begins where it cannot, it failed after it had worked, or the
 * stream has another configuration now.
 */
export type DecoderChangeReason =
  | 'forced'
  | 'unavailable'
  | 'unsupported'
  | 'noOutput'
  | 'keyframe'
  | 'failed'
  | 'configuration';

/** One track of the stream; most have one of each kind, with the number 0. */
export interface Track {
  readonly kind: 'video' | 'audio';
  readonly number: number;
  /** As in RFC 6381; empty while it is not known. */
  readonly codec: string;
  /** It is the one of its kind that plays. */
  readonly selected: boolean;
  /** Pixels; of video. */
  readonly width?: number;
  readonly height?: number;
  /** Hz; of sound, once some of it has come. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** Of the sound of HLS: its name, and its language as in BCP 47; null where the playlist does not say. */
  readonly label?: string;
  readonly language?: string | null;
}

/** A message inside the stream. */
export interface StreamMessage {
  /** Its place on the timeline; of `sei`, that of the picture it came with. */
  time: number;
  /**
   * The name of the script data, such as `onMetaData`; `sei`, supplemental enhancement information of the video; `id3`;
   * `scte35`; `emsg`, an event message of MP4; or `producerTime`, when the stream was made (`prft`).
   */
  message: string;
  /** Of script data, as plain data. Empty for the others. */
  values: unknown[];
  /** Of `sei` alone: the payload type of ITU-T H.264 and H.265; 4 and 5 are user data. */
  type?: number;
  /** Of `sei`, `id3`, `scte35` and `emsg`. That of `sei` of type 5 without its UUID. */
  payload?: Uint8Array;
  /** Of `sei` of type 5: whose data it is, as `dc45e9bd-e6d9-48b7-962c-d820d923eeef`. */
  uuid?: string;
  /** Of `emsg`: whose message it is, and what it says. */
  scheme?: string;
  value?: string;
  id?: number;
  /** Of `emsg`, where it is known. */
  duration?: number | null;
  /** Of `producerTime`: ms since 1970. */
  wallclock?: number;
}

/** What `Player.probe()` is asked. */
export interface ProbeRequest {
  /** As in RFC 6381, such as `avc1.64001f`, `hvc1.1.6.L93.B0` or `mp4a.40.2`. */
  codec: string;
  /** Of video. Default 1280 x 720, 30 pictures a second. */
  width?: number;
  height?: number;
  fps?: number;
  /** As the option. Default `auto`. */
  decoder?: DecoderChoice;
}

/** What a stream would be like in this browser on this machine. */
export interface ProbeResult {
  /** What would decode it; null: nothing here does. */
  path: DecoderPath | null;
  /** It would keep up. Of the browser's own decoders by its word, of software an estimate from a short measurement. */
  smooth: boolean;
}

/**
 * How far behind the newest received data to play, seconds. `auto`: as low as the network's jitter allows, between 0.05 and
 * 2. A range: the same within `min` and `max`, from `target` on until the jitter is known. A number: always that.
 */
export type Latency = 'auto' | number | LatencyRange;

export interface LatencyRange {
  /** Default 0.2, or what is nearest to it within the range. */
  target?: number;
  /** Default 0.05. */
  min?: number;
  /** Default 2. */
  max?: number;
}

/**
 * What goes on while the page cannot be seen: the sound alone (no picture is decoded), everything, or nothing: then the
 * connection is closed until the page is seen again.
 */
export type Background = 'audio' | 'keep' | 'suspend';

/**
 * Why a connection is tried again: the server ended the stream in good order, the connection broke, the socket was closed
 * with an error code, no connection at all, an HTTP error status, no answer or no more bytes, bytes but nothing to play, packets
 * but no pictures, something that is not the format, no address from `resolveUrl()`, the page is back after it was frozen or put away, or the
 * player's worker crashed.
 */
export type ReconnectReason =
  | 'end'
  | 'lost'
  | 'closed'
  | 'refused'
  | 'status'
  | 'silent'
  | 'noMedia'
  | 'noPictures'
  | 'format'
  | 'unresolved'
  | 'wake'
  | 'crash';

/** What `resolveUrl()` is asked. */
export interface ResolveRequest {
  /** The line as it was given, made absolute. */
  url: string;
  /** 0: the first try of a load. */
  attempt: number;
  reason: 'load' | ReconnectReason;
}

/**
 * What an address is: told by the address and by what comes of it (`auto`), a stream that is read as it comes, the playlist
 * of HLS, or a recording that is read at any place.
 */
export type SourceType = 'auto' | 'stream' | 'hls' | 'file';

/** One of several streams of the same content. */
export interface RenditionSource {
  /** For a menu. */
  name: string;
  /** Its address, or several lines, the preferred one first. */
  url: string | readonly string[];
  /** bit/s; without it `auto` knows it only when it is received. */
  bitrate?: number;
  width?: number;
  height?: number;
}

/** What to play: an address, or renditions. */
export interface Source {
  /**
   * `http:`, `https:`, `ws:` or `wss:` address of a stream, of a playlist or of a file, or several of the same, the preferred
   * one first: when one fails, the next is tried.
   */
  url?: string | readonly string[];
  /** Streams of the same content in the place of `url`, between which the player changes. HLS brings its own. */
  renditions?: readonly RenditionSource[];
  /** Which rendition to begin with and to stay with, as an index. Default: the player chooses. */
  rendition?: number;
  /** Default `auto`. */
  sourceType?: SourceType;
  /** Where to begin. Default: at the live edge, at the beginning of a recording, or where its playlist says. */
  startTime?: number;
}

/** `sourceType` also holds for what `load()` is given without one. */
export interface PlayerOptions extends Source {
  /** The element to fill, or a selector for it. */
  container: HTMLElement | string;
  /**
   * Gives the address for each try, for those that carry a signature which expires. It has 10 s. Default: the line as it is.
   */
  resolveUrl?: (request: ResolveRequest) => string | Promise<string>;
  /** Start without sound. Default false. */
  muted?: boolean;
  /** 0 to 1. Default 1. */
  volume?: number;
  /** Begin to play at once. Default false. */
  autoplay?: boolean;
  /** A recording begins again at its end. Default false. */
  loop?: boolean;
  /** How fast to play, 0.5 to 3, with the pitch kept; a live stream at its edge plays at 1. Default 1. */
  playbackRate?: number;
  /** Default `auto`. */
  latency?: Latency;
  /** Default `audio`. */
  background?: Background;
  /** Default `contain`. */
  fit?: Fit;
  /** Turns the picture. Default 0. */
  rotation?: Rotation;
  /** Mirrors the picture left to right, after it is turned. Default false. */
  mirror?: boolean;
  /** Default `auto`. */
  decoder?: DecoderChoice;
  /** Default: `track` where the browser has it, else `canvas`; `webgl` where there is no `VideoFrame`. */
  renderer?: Renderer;
  /** Puts Common Media Client Data (CTA-5004) into the query of each request for the stream. Default: none. */
  cmcd?: CmcdOptions;
  /**
   * Address of the package's `dist/` folder as it is, from which worker, worklet and wasm are then taken; may be on another
   * origin that sends CORS headers. Default: where the bundler put them.
   */
  baseUrl?: string;
}

export type PlayerState = 'idle' | 'connecting' | 'playing' | 'waiting' | 'paused' | 'ended' | 'failed';

/** `on-demand`: a recording. */
export type StreamType = 'live' | 'on-demand' | 'unknown';

/** What a recording is written as: fragmented MP4, or FLV. */
export type RecordingFormat = 'mp4' | 'flv';

export interface RecordingOptions {
  /** Default `mp4`. */
  format?: RecordingFormat;
  /** Where to: a file of the File System Access API, or any stream. Closed at the end. Default: memory, up to 512 MB. */
  target?: FileSystemFileHandle | WritableStream<Uint8Array>;
}

export interface SnapshotOptions {
  /** `image/png`, `image/jpeg`, `image/webp`. Default `image/png`. */
  type?: string;
  /** 0 to 1, of the types that lose something. Default: the browser's. */
  quality?: number;
}

/** A snapshot, four times a second. Counters are totals since `load()`. */
export interface PlayerStats {
  state: PlayerState;
  renderer: Renderer;
  /** What decodes at present; null before the first decoder. */
  videoDecoder: DecoderPath | null;
  audioDecoder: DecoderPath | null;
  /** Playhead on the stream's own timeline. */
  currentTime: number;
  /** Newest received packet minus playhead. */
  latency: number;
  targetLatency: number;
  /** Received and not yet played. */
  buffered: number;
  bufferedBytes: number;
  /** The present rate: `Player.playbackRate`, or what it takes to hold the latency. */
  playbackRate: number;
  /** From where to where one can seek; null of a stream that is read as it comes. */
  seekable: readonly [start: number, end: number] | null;
  /** Of a recording; null of all else. */
  duration: number | null;
  /** What can be played without the network, as far as it is in one piece around the playhead. */
  bufferedRange: readonly [start: number, end: number] | null;
  /** Where the newest media there is ends by now; null of a recording. */
  liveEdge: number | null;
  /** Of the playhead, ms since 1970, where the stream says (EXT-X-PROGRAM-DATE-TIME, `prft`). */
  wallClock: number | null;
  /** `id` of the rendition that is received; null without renditions. */
  rendition: string | null;
  /** What the network is believed to bring, bit/s; null before that is known. */
  bandwidth: number | null;
  bytesReceived: number;
  videoPackets: number;
  audioPackets: number;
  framesDecoded: number;
  framesRendered: number;
  framesDropped: number;
  /** Left out on purpose, to start at the live edge or to get back to it. */
  framesSkipped: number;
  /** Pictures that no other needs, left out before decoding because their time had passed. */
  framesShed: number;
  skips: number;
  /** Connections that were tried again and brought the stream. */
  reconnects: number;
  stalls: number;
  stalledTime: number;
  /** Picture's time minus sound's when last shown; null without sound. */
  avOffset: number | null;
  /** Bytes left out because they were damaged. */
  skippedBytes: number;
  /** Packets of sound that came too late to be decoded. */
  audioDropped: number;
  /** Decoded sound left out because it was late, seconds. */
  audioCut: number;
  /** Silence where the stream had no sound, seconds. */
  audioSilence: number;
  /** How often the sound card had nothing to play while there should have been sound. */
  audioUnderruns: number;
}

/** `PlayerStats` and what only the page knows. */
export interface PlayerSnapshot extends PlayerStats {
  /** What the load was like so far for its viewer. */
  quality: PlaybackQuality;
  /** `suspended`: the browser has not let it run, or has taken it away for a while. `off`: muted from the start, or nothing to hear. */
  audio: 'running' | 'suspended' | 'off';
  /** How samples reach the sound card's thread: shared memory, or messages. Null while it is not running. */
  audioPath: 'ring' | 'port' | null;
  /** From what is heard back to the worker: the delay the browser reports for its sound output. */
  audioLatency: number;
  /**
   * From the publisher's clock to the screen, for live streams that say when they were made: `wallClock`, or `onWallClock`
   * messages (`{ wallclock: ms since 1970 }`); as true as the two clocks agree. Null without.
   */
  endToEndLatency: number | null;
}

/** For the log of a CDN: who asks, and for what. */
export interface CmcdOptions {
  /** Names the content, the same for all viewers; at most 64 characters of ASCII. Default: not sent. */
  contentId?: string;
  /** Names the viewer's session; at most 64 characters of ASCII. Default: a new one for each player. */
  sessionId?: string;
}

/** What `TimeRanges` offers. */
export interface BufferedRanges {
  readonly length: number;
  start(index: number): number;
  end(index: number): number;
}

/** Every event of a player and its class; what it says is in `detail`. */
export interface PlayerEventMap {
  /** A load began. */
  loadstart: CustomEvent<{ url: string }>;
  /** A video track appeared or changed, whether it plays or not. `codec` as in RFC 6381. */
  videotrack: CustomEvent<{ number: number; codec: string; width: number; height: number }>;
  /**
   * An audio track appeared or changed, whether it plays or not. `sampleRate` in Hz. Those of HLS are told first with what the
   * playlist says, `label` and `language`, and again with the rest when some of them comes.
   */
  audiotrack: CustomEvent<Omit<Track, 'kind' | 'selected' | 'width' | 'height'>>;
  /** This track is the one of its kind that plays from here on. */
  trackselected: CustomEvent<{ kind: 'video' | 'audio'; number: number }>;
  /** Another kind of decoder decodes from now on. `from` is null for the first of a load, told only if it is software. */
  decoderchange: CustomEvent<{
    kind: 'video' | 'audio';
    from: DecoderPath | null;
    to: DecoderPath;
    reason: DecoderChangeReason;
  }>;
  /** The first picture of this load was handed to the display, `elapsed` seconds after `load()`, and what took how long. */
  firstframe: CustomEvent<{ elapsed: number; startUp: StartUp }>;
  /** Playback runs: after the start, after a pause, after each stall. */
  playing: CustomEvent<null>;
  /** A stall: playback stopped for want of data. */
  waiting: CustomEvent<null>;
  /** `paused` became false. */
  play: CustomEvent<null>;
  /** `paused` became true: by `pause()`, at the end, or by a fatal error. */
  pause: CustomEvent<null>;
  /** The picture has a new size, pixels. */
  resize: CustomEvent<{ width: number; height: number }>;
  /** `muted` or `volume` changed. */
  volumechange: CustomEvent<{ muted: boolean; volume: number }>;
  /** A message inside the stream, as soon as it came. */
  metadata: CustomEvent<StreamMessage>;
  /** The same message when its time has come: with the picture it belongs to, or else with the sound. */
  cue: CustomEvent<StreamMessage>;
  /** Part of the stream was left out to get back to the target latency. */
  skip: CustomEvent<{ from: number; to: number }>;
  /** Another rate: `playbackRate` was set, or it takes that to hold the target latency; 1 is normal. */
  ratechange: CustomEvent<{ rate: number }>;
  /** `duration` changed; infinite of a live stream. */
  durationchange: CustomEvent<{ duration: number }>;
  /** `live` and `streamType` are known, or changed: a live stream that has ended becomes a recording. */
  streamtypechange: CustomEvent<{ streamType: StreamType }>;
  /** `currentTime` goes on: four times a second while something is loaded, and after each seek. */
  timeupdate: CustomEvent<{ currentTime: number }>;
  /** A seek began: `currentTime` is where it goes. */
  seeking: CustomEvent<{ to: number }>;
  /** The picture of the place is shown, or its sound is ready. */
  seeked: CustomEvent<{ at: number }>;
  /** This rendition is played from here on; `auto`: the player chose it. */
  renditionchange: CustomEvent<{ rendition: VideoRendition; auto: boolean }>;
  /** The target latency followed the network's jitter; seconds. */
  targetchange: CustomEvent<{ target: number }>;
  /**
   * The publisher's clock jumped by `delta` seconds, and the stream goes on where it was: it began anew (`restart`), stepped
   * ahead (`ahead`), sound and picture had parted (`divergence`), or another connection brings another clock (`reconnect`).
   */
  discontinuity: CustomEvent<{ kind: 'restart' | 'ahead' | 'divergence' | 'reconnect'; delta: number }>;
  /** The connection is lost, and the next is tried after `delay` seconds. The last picture stays. */
  reconnecting: CustomEvent<{ attempt: number; delay: number; reason: ReconnectReason }>;
  /** A connection that was tried again brings the stream. */
  reconnected: CustomEvent<{ attempt: number }>;
  /** Pictures are lost because this machine cannot decode them in time: a smaller rendition would play better. */
  degraded: CustomEvent<null>;
  /** It can again. */
  recovered: CustomEvent<null>;
  /** `detail.fatal` tells whether this load is over. */
  error: CustomEvent<SailcastError>;
  /** The stream ended in good order and everything was played. */
  ended: CustomEvent<null>;
  statechange: CustomEvent<{ state: PlayerState; previous: PlayerState }>;
  /** Four times a second while something is loaded. */
  stats: CustomEvent<PlayerSnapshot>;
  /** Quality of playback: after each 10 s of it, at the end of each stall, and at the end of the load. */
  qos: CustomEvent<{ cause: QosCause; stats: PlayerSnapshot }>;
  /** The browser refuses sound until the user acts: `muted` is true now. Set it to false in a click to hear the stream. */
  autoplayblocked: CustomEvent<null>;
  /** The last event. */
  destroyed: CustomEvent<null>;
}

/** `EventTarget` that knows the player's events. */
export interface PlayerEventTarget extends EventTarget {
  addEventListener<K extends keyof PlayerEventMap>(
    type: K,
    listener: (event: PlayerEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof PlayerEventMap>(
    type: K,
    listener: (event: PlayerEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
