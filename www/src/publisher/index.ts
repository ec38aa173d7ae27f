/** Entry of its own: who only watches does not load it. Importing it has no effect and works on a server. */
export { type ErrorType, SailcastError } from '../errors.js';
export type {
  AudioCodec,
  ConfigDocument,
  ConfigLayer,
  ConfigLimits,
  ConfigWarning,
  PublishConfig,
  SystemMatch,
  VideoCodec,
} from './config.js';
export { Publisher } from './publisher.js';
export type {
  AudioSource,
  CameraSource,
  CanvasSource,
  Device,
  EncoderPath,
  FileSource,
  GivenAudioSource,
  GivenVideoSource,
  MicrophoneSource,
  NoSource,
  PublisherEventMap,
  PublisherEventTarget,
  PublisherOptions,
  PublisherState,
  PublisherStats,
  PublishProbe,
  ScreenSource,
  StreamSource,
  VideoSource,
} from './types.js';
