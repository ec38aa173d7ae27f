/** The list of playback figures: what is worth reading, and does not need a chart. */
import type { PlayerSnapshot, Renderer } from 'sailcast';
import * as format from './format.js';
import { type Key, onLanguage, t } from './i18n.js';

/** What the events told about the stream. */
export interface StreamInfo {
  size: { width: number; height: number } | null;
  video: string | null;
  audio: string | null;
}

const RENDERERS: Record<Renderer, Key> = {
  track: 'rendererTrack',
  canvas: 'rendererCanvas',
  webgl: 'rendererWebgl',
};

const ROWS: readonly [Key, (stats: PlayerSnapshot, info: StreamInfo) => string][] = [
  ['picture', (_, { size }) => (size === null ? format.NONE : `${size.width} × ${size.height}`)],
  [
    'codecs',
    (_, { video, audio }) => [video, audio].filter(codec => codec !== null).join(', ') || format.NONE,
  ],
  ['rendererNow', stats => t(RENDERERS[stats.renderer])],
  ['decodersNow', stats => decoders(stats)],
  ['speed', stats => format.rate(stats.playbackRate)],
  ['skips', stats => t('skipsValue', { n: stats.skips })],
  ['stalls', stats => t('stallsValue', { n: stats.stalls, time: format.seconds(stats.stalledTime, 1) })],
  ['dropped', stats => t('droppedValue', { n: stats.framesDropped, share: share(stats) })],
  ['avOffset', stats => format.milliseconds(stats.avOffset)],
  ['received', stats => format.bytes(stats.bytesReceived)],
];

export class Figures {
  readonly #cells: { name: HTMLElement; value: HTMLElement }[];
  #stats: PlayerSnapshot | null = null;
  #info: StreamInfo = { size: null, video: null, audio: null };

  constructor(list: HTMLElement) {
    this.#cells = ROWS.map(() => {
      const pair = list.appendChild(document.createElement('div'));
      return {
        name: pair.appendChild(document.createElement('dt')),
        value: pair.appendChild(document.createElement('dd')),
      };
    });
    onLanguage(() => this.#render());
  }

  /** A new stream: nothing is known of it. */
  clear(): void {
    this.#stats = null;
    this.#info = { size: null, video: null, audio: null };
    this.#render();
  }

  update(stats: PlayerSnapshot): void {
    this.#stats = stats;
    this.#render();
  }

  learn(info: Partial<StreamInfo>): void {
    this.#info = { ...this.#info, ...info };
    this.#render();
  }

  #render(): void {
    ROWS.forEach(([key, value], i) => {
      const cell = this.#cells[i];
      if (cell === undefined) return;
      cell.name.textContent = t(key);
      const text = this.#stats === null ? format.NONE : value(this.#stats, this.#info);
      cell.value.textContent = text;
      // A long list of codecs may be cut short in a narrow column.
      cell.value.title = text;
    });
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
