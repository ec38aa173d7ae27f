/** Public types of the publisher. Times are seconds, rates bit/s, sizes pixels unless a name says otherwise. */
import type { SailcastError } from '../errors.js';
import type {
  AudioCodec,
  ConfigLayer,
  ConfigLimits,
  ConfigWarning,
  PublishConfig,
  VideoCodec,
} from './config.js';
import type { PublishWorkerEvent } from './internal/protocol.js';

/** A camera. Without `deviceId` and `facing` the one that was chosen last, or else the browser's default. */
export interface CameraSource {
  kind: 'camera';
  /** As `devices()` lists it. One that is not there is replaced by the default one. */
  deviceId?: string;
  /** `user`: the front camera of a phone; `environment`: the one at its back. */
  facing?: 'user' | 'environment';
}

/** What the user picks of screens, windows and tabs. */
export interface ScreenSource {
  kind: 'screen';
  /** Its sound too, where the browser has it, mixed with that of `audio`. Default true. */
  sound?: boolean;
  /** When the user stops sharing: the source is lost and its last picture stays (default), or the camera takes its place. */
  onStop?: 'lost' | 'camera';
}

/** What is drawn on a canvas. A page that is hidden must go on drawing itself. */
export interface CanvasSource {
  kind: 'canvas';
  canvas: HTMLCanvasElement;
}

/** A video file, played in real time. */
export interface FileSource {
  kind: 'file';
  /** A `File` or another `Blob`, or an address, whose server must allow CORS if it has another origin. */
  file: Blob | string;
  /** From the beginning again at its end. Without it the source is lost then. Default false. */
  loop?: boolean;
  /** Its sound too, mixed with that of `audio`. Default true. */
  sound?: boolean;
}

/** Tracks that the app made. They stay its own: the publisher stops none of them. */
export interface StreamSource {
  kind: 'stream';
  stream: MediaStream;
  /** As the source of pictures: its sound too, mixed with that of `audio`. Default true. */
  sound?: boolean;
}

export interface NoSource {
  kind: 'none';
}

export type VideoSource = CameraSource | ScreenSource | CanvasSource | FileSource | StreamSource | NoSource;

/** A microphone. Without `deviceId` the one that was chosen last, or else the browser's default. */
export interface MicrophoneSource {
  kind: 'microphone';
  deviceId?: string;
  /** Default true. */
  echoCancellation?: boolean;
  /** Default true. */
  noiseSuppression?: boolean;
  /** Default true. */
  autoGainControl?: boolean;
}

export type AudioSource = MicrophoneSource | StreamSource | NoSource;

/** A source as it may be given: those without further properties also by their name alone. */
export type GivenVideoSource = VideoSource | 'camera' | 'screen' | 'none';
export type GivenAudioSource = AudioSource | 'microphone' | 'none';

export interface PublisherOptions {
  /** `ws:` or `wss:` address to publish to, or several of the same service (lines). Relative ones and `http:` count as that. */
  url?: string | readonly string[];
  /** Default `camera`. */
  video?: GivenVideoSource;
  /** Default `microphone`. */
  audio?: GivenAudioSource;
  /** A `<video>`, or an element into which one is put, or a selector for either. */
  preview?: Element | string | null;
  /** The preview is mirrored: `auto` (default) for cameras that look at the user. What is published never is. */
  mirror?: 'auto' | boolean;
  /** Silence is published in place of all sound. Default false. */
  muted?: boolean;
  /** Hz of the sound that is published. Default 48000. */
  sampleRate?: 44100 | 48000;
  /** Default 2. */
  channels?: 1 | 2;
  /** The app's own wishes: as `setConfig()`. */
  config?: ConfigLayer;
  /** Ranges in place of the usual ones. */
  limits?: ConfigLimits;
  /** Where the configuration document is. */
  configUrl?: string;
  /** Seconds until it is fetched again, if the document does not say. Default 300. */
  configInterval?: number;
  /** The devices that were chosen by `deviceId` are taken again the next time. Default true. */
  rememberDevices?: boolean;
  /** Address of the package's `dist/` folder, as the player's option. */
  baseUrl?: string;
}

/**
 * `idle` before the first start. `connecting`: started, and no server has taken anything yet. `reconnecting`: the connection is lost, and the next
 * is tried or waited for. `ended`: stopped in good order. `failed`: a fatal error ended it.
 */
export type PublisherState = 'idle' | 'connecting' | 'publishing' | 'reconnecting' | 'ended' | 'failed';

/** A camera or microphone. `label` is empty until the user has allowed one of its kind. */
export interface Device {
  kind: 'camera' | 'microphone';
  deviceId: string;
  groupId: string;
  label: string;
}

/** Who encodes: the browser, or the module in WebAssembly. */
export type EncoderPath = 'webcodecs' | 'wasm';

/** What `stats()` gives. Counts are totals since `start()`; rates and means are of the last seconds. */
export interface PublisherStats {
  state: PublisherState;
  /** Since the first media went out. */
  uptime: number;
  bytesSent: number;
  /** How much waits between the encoder and the network. */
  queue: number;
  /** The same in bytes. */
  queuedBytes: number;
  /** What the network is thought to carry; null until something is known. */
  estimate: number | null;
  /** The server says what it has received: the queue is exact. */
  acknowledged: boolean;
  /** What the video encoder is asked for. */
  targetBitrate: number;
  /** What went out. */
  sentBitrate: number;
  /** What each encoder made. */
  videoBitrate: number;
  audioBitrate: number;
  /** The encoded picture. */
  width: number;
  height: number;
  /** Pictures a second that are wanted at present. */
  targetFps: number;
  /** New ones that came from the source. */
  capturedFps: number;
  encodedFps: number;
  framesCaptured: number;
  framesEncoded: number;
  /** Of those encoded: the same picture once more, because nothing newer came. */
  framesRepeated: number;
  keyframes: number;
  /** Packets dropped before sending: pictures that no other one needs, other pictures, sound. */
  droppedDisposable: number;
  droppedVideo: number;
  droppedAudio: number;
  /** Pictures not encoded, because they would have been dropped. */
  notEncoded: number;
  /** Pictures that the encoder had no time for. */
  encoderBusy: number;
  /** Silence that was sent in place of sound that did not come. */
  silence: number;
  reconnects: number;
  /** How much later sound comes out than it was captured, less the same of pictures; null until both are known. */
  avOffset: number | null;
  /** From the capture of a picture until it is encoded. */
  encodeTime: number;
  /** As in RFC 6381; null before there is an encoder. */
  videoCodec: string | null;
  audioCodec: string | null;
  videoEncoder: EncoderPath | null;
  audioEncoder: EncoderPath | null;
  /** The label of what gives pictures, and sound; null without such a source. */
  videoSource: string | null;
  audioSource: string | null;
  /** The audio context: without it running, silence is published. */
  audioContext: 'running' | 'suspended' | 'off';
}

/** What can be published from this browser. */
export interface PublishProbe {
  supported: boolean;
  /** Codecs that the browser encodes at 504P15. */
  video: Record<VideoCodec, boolean>;
  /** Who would encode sound; null: nobody. */
  audio: Record<AudioCodec, EncoderPath | null>;
  /** How pictures reach the worker: `stream` and `track` without the page's thread, `port` through it. */
  frames: 'stream' | 'track' | 'port';
  /** Screens can be shared. */
  screen: boolean;
}

type EventOf<Name extends PublishWorkerEvent['name']> = Omit<
  Extract<PublishWorkerEvent, { name: Name }>,
  'name'
>;

/** Every event of a publisher; what it says is in `detail`. */
export interface PublisherEventMap {
  /** The sources are open and the preview shows. */
  ready: CustomEvent<null>;
  /** `start()` began; the network is asked. */
  connecting: CustomEvent<{ urls: readonly string[] }>;
  /** Media goes out to `url`: after the start, and after each reconnection. */
  publishing: CustomEvent<{ url: string }>;
  /**
   * The video encoder has another target: the network carries less (`congestion`), nothing (`silence`) or a burst faster
   * (`carried`); it is tried whether it carries more (`probe`); another configuration (`config`) or connection (`connection`).
   */
  bitratechange: CustomEvent<EventOf<'bitratechange'>>;
  /** The size or rate of pictures followed the network, or came back. `side`: the shorter one, at most. */
  videochange: CustomEvent<EventOf<'videochange'>>;
  /**
   * Packets were dropped: they would arrive too late (`late`), refer to one that was dropped (`reference`), are more than is
   * queued (`full`), were made for a connection that is gone (`closed`), or come too late to be put in order (`order`).
   */
  framedrop: CustomEvent<EventOf<'framedrop'>>;
  /** The network does not carry what is made, and `queue` of it waits; or it does again. */
  congestion: CustomEvent<EventOf<'congestion'>>;
  /** The connection is lost, or the worker crashed; the next try, counted from 1, is made after `delay`. `reason`: for a person. */
  reconnecting: CustomEvent<EventOf<'reconnecting'>>;
  /**
   * A source gives nothing any more, and the stream goes on with its last picture or with silence. `muted`: the system keeps it
   * from giving, as during a call; else its device is gone.
   */
  devicelost: CustomEvent<{ kind: 'video' | 'audio'; muted: boolean; label: string }>;
  /** It gives again, or another one in its place. */
  devicerecovered: CustomEvent<{ kind: 'video' | 'audio'; label: string }>;
  /** Cameras or microphones came or went. */
  devicechange: CustomEvent<{ devices: readonly Device[] }>;
  /** Something works less well than it was asked to; `what` is a word of the list in docs/api.md. */
  degraded: CustomEvent<{ what: string; message: string }>;
  /** The configuration that holds is another one. `changed`: the names of the fields, as `video.fps`. */
  configchange: CustomEvent<{ config: PublishConfig; changed: readonly string[] }>;
  /** Something of a configuration could not be taken as it is. */
  configwarning: CustomEvent<ConfigWarning>;
  /** `detail.fatal` tells whether publishing is over. */
  error: CustomEvent<SailcastError>;
  /** Stopped in good order. */
  ended: CustomEvent<null>;
  statechange: CustomEvent<{ state: PublisherState; previous: PublisherState }>;
  /** Four times a second while it publishes. */
  stats: CustomEvent<PublisherStats>;
}

/** `EventTarget` that knows the publisher's events. */
export interface PublisherEventTarget extends EventTarget {
  addEventListener<K extends keyof PublisherEventMap>(
    type: K,
    listener: (event: PublisherEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof PublisherEventMap>(
    type: K,
    listener: (event: PublisherEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
