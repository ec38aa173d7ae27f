/**
 * What a session's decoder (crate/web/src/decoder/software.rs) and the codec worker say to each other through a port, and
 * the page and the codec worker by messages. Times are µs.
 */
import type { Colour, Planes } from '../protocol.js';

/** Members of `VideoFrameBufferInit`; the first two in browsers that have them. Pixels that are not square have a display size. */
export interface FrameLook {
  rotation: number;
  flip: boolean;
  displayWidth?: number;
  displayHeight?: number;
}

export type CodecKind = 'video' | 'audio';

/** `decoder` is a number that is never given to another one of this worker. */
export type ToCodecWorker =
  /** `base`: the package's folder, if the modules are not where the bundler put them. */
  | { type: 'connect'; decoder: number; port: MessagePort; base: string | undefined }
  /** Its session is gone. */
  | { type: 'release'; decoder: number };

export type FromCodecWorker =
  /** The script runs. */
  | { type: 'hello' }
  /** The decoder has ended. */
  | { type: 'closed'; decoder: number };

export type ToDecoder =
  /**
   * First. `module`: the name of its file. `config`: as crate/codec/face/src/config.rs writes it. Video only: `colour`, as the
   * stream says, `look`, of frames, and `planes`: pictures come as planes, never as frames.
   */
  | {
      type: 'open';
      module: string;
      config: Uint8Array;
      colour?: Colour;
      look?: FrameLook;
      planes?: boolean;
    }
  | { type: 'packet'; pts: number; keyframe: boolean; data: Uint8Array }
  /** Answered by `flushed`. */
  | { type: 'flush' }
  /** The memory of a picture that came as planes. */
  | { type: 'recycle'; buffer: ArrayBuffer }
  | { type: 'close' };

export type FromDecoder =
  | { type: 'frame'; frame: VideoFrame }
  | { type: 'planes'; picture: Planes }
  /** Interleaved. */
  | { type: 'sound'; timestamp: number; sampleRate: number; channels: number; data: Float32Array }
  | { type: 'flushed' }
  /** The packet of that time was left out; the decoder goes on. */
  | { type: 'leftout'; timestamp: number; message: string }
  /** Last. */
  | { type: 'failed'; message: string };
