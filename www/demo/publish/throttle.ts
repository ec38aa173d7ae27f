/**
 * A narrow network, made by the server: the relay reads from this publisher no faster than it is told (`--throttle`, which
 * `npm start` gives it). Nothing is pretended: it is the socket that fills.
 */
import { get, set } from '../dom.js';
import { bitrate } from '../format.js';
import { type Key, onLanguage, t } from '../i18n.js';
import { throttleUrl } from './address.js';

/** bit/s; 0: as fast as it comes. */
const RATES = [0, 1_000_000, 500_000, 300_000, 150_000];

export class Throttle {
  readonly #ingest: () => string | undefined;
  readonly #onChange: (rate: number) => void;
  readonly #buttons: readonly HTMLButtonElement[];
  #rate = 0;
  #note: Key = 'throttleNote';

  /** `ingest`: where is published to. */
  constructor(ingest: () => string | undefined, onChange: (rate: number) => void) {
    this.#ingest = ingest;
    this.#onChange = onChange;
    const host = get('throttle', HTMLElement);
    this.#buttons = RATES.map(rate => {
      const button = document.createElement('button');
      button.type = 'button';
      button.dataset.rate = String(rate);
      button.addEventListener('click', () => void this.#ask(rate));
      host.append(button);
      return button;
    });
    onLanguage(() => this.#render());
    this.#render();
  }

  /** The server keeps it by name: another address is another one. */
  clear(): void {
    this.#rate = 0;
    this.#note = 'throttleNote';
    this.#render();
  }

  async #ask(rate: number): Promise<void> {
    const url = throttleUrl(this.#ingest(), rate);
    const done = url !== null && (await post(url));
    this.#note = done ? 'throttleNote' : 'throttleMissing';
    if (done) {
      this.#rate = rate;
      this.#onChange(rate);
    }
    this.#render();
  }

  #render(): void {
    this.#buttons.forEach((button, i) => {
      const rate = RATES[i] ?? 0;
      button.textContent = rate === 0 ? t('throttleFree') : short(rate);
      button.title = rate === 0 ? '' : bitrate(rate);
      button.setAttribute('aria-pressed', String(rate === this.#rate));
    });
    set('throttle-note', t(this.#note));
  }
}

function short(rate: number): string {
  return rate >= 1e6 ? `${rate / 1e6}M` : `${rate / 1e3}k`;
}

async function post(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { method: 'POST' })).ok;
  } catch {
    return false;
  }
}
