/** The list of playback figures: what is worth reading, and does not need a chart. */
import type { PlayerSnapshot, Renderer } from 'sailcast';
import { FigureList, type Row } from './figure-list.js';
import * as format from './format.js';
import { type Key, t } from './i18n.js';

/** What the events told about the stream. */
export interface StreamInfo {
  size: { width: number; height: number } | null;
  video: string | null;
  audio: string | null;
}

const UNKNOWN: StreamInfo = { size: null, video: null, audio: null };

interface Known {
  stats: PlayerSnapshot;
  info: StreamInfo;
}

const RENDERERS: Record<Renderer, Key> = {
  track: 'rendererTrack',
  canvas: 'rendererCanvas',
  webgl: 'rendererWebgl',
};

const ROWS: readonly Row<Known>[] = [
  ['picture', ({ info: { size } }) => (size === null ? format.NONE : `${size.width} × ${size.height}`)],
  [
    'codecs',
    ({ info: { video, audio } }) => [video, audio].filter(codec => codec !== null).join(', ') || format.NONE,
  ],
  ['rendererNow', ({ stats }) => t(RENDERERS[stats.renderer])],
  ['decodersNow', ({ stats }) => decoders(stats)],
  ['speed', ({ stats }) => format.rate(stats.playbackRate)],
  ['skips', ({ stats }) => t('skipsValue', { n: stats.skips })],
  [
    'stalls',
    ({ stats }) => t('stallsValue', { n: stats.stalls, time: format.seconds(stats.stalledTime, 1) }),
  ],
  ['dropped', ({ stats }) => t('droppedValue', { n: stats.framesDropped, share: share(stats) })],
  ['avOffset', ({ stats }) => format.milliseconds(stats.avOffset)],
  ['bandwidth', ({ stats }) => format.bitrate(stats.bandwidth)],
  ['received', ({ stats }) => format.bytes(stats.bytesReceived)],
];

export class Figures {
  readonly #list: FigureList<Known>;
  #stats: PlayerSnapshot | null = null;
  #info: StreamInfo = UNKNOWN;

  constructor(list: HTMLElement) {
    this.#list = new FigureList(list, ROWS);
  }

  /** A new stream: nothing is known of it. */
  clear(): void {
    this.#stats = null;
    this.#info = UNKNOWN;
    this.#show();
  }

  update(stats: PlayerSnapshot): void {
    this.#stats = stats;
    this.#show();
  }

  learn(info: Partial<StreamInfo>): void {
    this.#info = { ...this.#info, ...info };
    this.#show();
  }

  #show(): void {
    this.#list.show(this.#stats === null ? null : { stats: this.#stats, info: this.#info });
  }
}

/** Of picture and sound, once where both are the same. */
function decoders({ videoDecoder, audioDecoder }: PlayerSnapshot): string {
  const names = { webcodecs: t('decoderWebcodecs'), wasm: t('decoderWasm') };
  const used = [videoDecoder, audioDecoder].flatMap(path => (path === null ? [] : [names[path]]));
  return [...new Set(used)].join(', ') || format.NONE;
}

function share(stats: PlayerSnapshot): string {
  const all = stats.framesRendered + stats.framesDropped;
  return all === 0 ? '0 %' : `${((stats.framesDropped / all) * 100).toFixed(1)} %`;
}
