/** What `stats()` gives: the worker's newest figures, and what the page knows beside them. */
import type { PublisherStats } from '../types.js';
import type { PublishWorkerEvent, PublishWorkerStats } from './protocol.js';

const NONE: PublishWorkerStats = {
  state: 'idle',
  uptime: 0,
  bytesSent: 0,
  queue: 0,
  queuedBytes: 0,
  estimate: null,
  acknowledged: false,
  targetBitrate: 0,
  sentBitrate: 0,
  videoBitrate: 0,
  audioBitrate: 0,
  width: 0,
  height: 0,
  targetFps: 0,
  capturedFps: 0,
  encodedFps: 0,
  framesCaptured: 0,
  framesEncoded: 0,
  framesRepeated: 0,
  keyframes: 0,
  droppedDisposable: 0,
  droppedVideo: 0,
  droppedAudio: 0,
  notEncoded: 0,
  encoderBusy: 0,
  silence: 0,
  reconnects: 0,
  avOffset: null,
  encodeTime: 0,
};

type Encoder = Pick<Extract<PublishWorkerEvent, { name: 'encoder' }>, 'codec' | 'path'>;

export class Figures {
  #worker = NONE;
  #encoders: { video?: Encoder; audio?: Encoder } = {};

  take(stats: PublishWorkerStats): void {
    this.#worker = stats;
  }

  encoder({ kind, codec, path }: Extract<PublishWorkerEvent, { name: 'encoder' }>): void {
    this.#encoders[kind] = { codec, path };
  }

  snapshot(
    page: Pick<PublisherStats, 'state' | 'videoSource' | 'audioSource' | 'audioContext'>,
  ): PublisherStats {
    const { video, audio } = this.#encoders;
    return {
      ...this.#worker,
      videoCodec: video?.codec ?? null,
      audioCodec: audio?.codec ?? null,
      videoEncoder: video?.path ?? null,
      audioEncoder: audio?.path ?? null,
      ...page,
    };
  }
}
