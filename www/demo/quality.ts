/** What the load was like for its viewer: the steps of its start, its stalls by length, and the figures of both. */
import type { PlaybackQuality, StartUp } from 'sailcast';
import { FigureList, type Row } from './figure-list.js';
import * as format from './format.js';
import { type Key, onLanguage, t } from './i18n.js';

const STEPS: readonly [Key, keyof StartUp][] = [
  ['stepEngineReady', 'engineReady'],
  ['stepConnected', 'connected'],
  ['stepFirstByte', 'firstByte'],
  ['stepFirstTag', 'firstTag'],
  ['stepFirstKeyframe', 'firstKeyframe'],
  ['stepDecoded', 'decoded'],
  ['stepShown', 'shown'],
];

/** Lengths in seconds, as in `stalls.histogram`. */
const BUCKETS = ['0–0.5', '0.5–1', '1–2', '2–3', '3–4', '4–5', '5+'];

const CAUSES: readonly [Key, keyof PlaybackQuality['drops']][] = [
  ['dropDisposable', 'disposable'],
  ['dropLate', 'late'],
  ['dropDecoder', 'decoder'],
  ['dropNoKeyframe', 'noKeyframe'],
  ['dropSink', 'sink'],
  ['dropSkip', 'skip'],
];

const ROWS: readonly Row<PlaybackQuality>[] = [
  ['latencyOfLoad', ({ latency }) => pair(latency)],
  ['latencyRecent', ({ recentLatency }) => pair(recentLatency)],
  [
    'stallRatio',
    ({ stalls }) => t('stallRatioValue', { ratio: percent(stalls.ratio), n: stalls.per100s.toFixed(1) }),
  ],
  [
    'catchUp',
    ({ catchUp }) =>
      t('catchUpValue', {
        rate: format.seconds(catchUp.faster + catchUp.slower, 1),
        skipped: format.seconds(catchUp.skipped, 1),
      }),
  ],
  ['reconnects', ({ reconnects }) => listed(Object.entries(reconnects))],
  ['drops', ({ drops }) => listed(CAUSES.map(([name, cause]) => [t(name), drops[cause]]))],
  ['memory', ({ memory }) => format.bytes(memory.wasm)],
];

interface Bar {
  name: HTMLElement;
  bar: HTMLElement;
  value: HTMLElement;
}

export class Quality {
  readonly #steps: Bar[];
  readonly #buckets: { column: HTMLElement; bar: HTMLElement; count: HTMLElement }[];
  readonly #figures: FigureList<PlaybackQuality>;
  #quality: PlaybackQuality | null = null;

  constructor(steps: HTMLElement, histogram: HTMLElement, figures: HTMLElement) {
    this.#steps = STEPS.map(() => {
      const row = add(steps, 'li');
      const name = add(row, 'span', 'name');
      const bar = add(add(row, 'span', 'track'), 'i');
      return { name, bar, value: add(row, 'span', 'value') };
    });
    this.#buckets = BUCKETS.map(length => {
      const column = add(histogram, 'li');
      const count = add(column, 'span', 'count');
      const bar = add(add(column, 'span', 'track'), 'i');
      add(column, 'span', 'length').textContent = length;
      return { column, bar, count };
    });
    this.#figures = new FigureList(figures, ROWS);
    onLanguage(() => this.#render());
    this.#render();
  }

  clear(): void {
    this.#quality = null;
    this.#render();
  }

  update(quality: PlaybackQuality): void {
    this.#quality = quality;
    this.#render();
  }

  #render(): void {
    this.#renderSteps(this.#quality?.startUp);
    this.#renderStalls(this.#quality?.stalls.histogram ?? []);
    this.#figures.show(this.#quality);
  }

  /** Each bar begins where the step before it ended. */
  #renderSteps(startUp: StartUp | undefined): void {
    const at = STEPS.map(([, step]) => startUp?.[step] ?? null);
    const all = Math.max(...at.map(time => time ?? 0), 0.001);
    let before = 0;
    STEPS.forEach(([name], i) => {
      const row = this.#steps[i];
      const time = at[i] ?? null;
      if (row === undefined) return;
      row.name.textContent = t(name);
      row.value.textContent = time === null ? format.NONE : `${Math.round(time * 1000)} ms`;
      const end = Math.max(time ?? before, before);
      // Even a step that took no time can be seen.
      row.bar.style.left = `min(${(before / all) * 100}%, 100% - 2px)`;
      row.bar.style.width = `${((end - before) / all) * 100}%`;
      row.bar.hidden = time === null;
      before = end;
    });
  }

  #renderStalls(histogram: readonly number[]): void {
    const most = Math.max(...histogram, 1);
    this.#buckets.forEach(({ column, bar, count }, i) => {
      const stalls = histogram[i] ?? 0;
      bar.style.height = `${(stalls / most) * 100}%`;
      count.textContent = stalls === 0 ? '' : String(stalls);
      column.setAttribute('aria-label', t('stallsOfLength', { length: BUCKETS[i] ?? '', n: stalls }));
    });
  }
}

function pair({ p50, p95 }: { p50: number | null; p95: number | null }): string {
  return `${format.seconds(p50)} / ${format.seconds(p95)}`;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

function listed(all: readonly (readonly [string, number])[]): string {
  const some = all.filter(([, count]) => count > 0);
  return some.length === 0 ? '0' : some.map(([name, count]) => `${name} ${count}`).join(', ');
}

function add(parent: HTMLElement, tag: string, name = ''): HTMLElement {
  const child = parent.appendChild(document.createElement(tag));
  child.className = name;
  return child;
}
