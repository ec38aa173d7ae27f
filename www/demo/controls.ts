/**
 * The stage: control bar, overlays, keyboard and pointer. It shows what it is told by `update()` and reports what the
 * viewer wants; it never decides how the player behaves.
 */
import { fill, get, icon, set } from './dom.js';
import * as format from './format.js';
import { type Key, label, onLanguage, t } from './i18n.js';

export interface StageView {
  state: 'idle' | 'connecting' | 'playing' | 'waiting' | 'paused' | 'ended' | 'failed';
  muted: boolean;
  volume: number;
  /** Shown in the live badge, seconds. */
  latency: number | null;
  /** More is added to its end: it has a live edge. */
  live: boolean;
  /** The latency is at its target. */
  atEdge: boolean;
  /** The browser muted the sound and wants a tap. */
  blocked: boolean;
  /** The connection is lost, and tried again. */
  reconnecting: boolean;
  failure: { title: string; text: string; code: string } | null;
}

export interface StageActions {
  /** `at`: when the viewer asked, on the clock of `performance.now()`. */
  toggle(at: number): void;
  retry(at: number): void;
  mute(muted: boolean): void;
  volume(volume: number): void;
  /** The tap that the browser wanted before sound. */
  sound(): void;
}

const HIDE_AFTER_MS = 2600;
const DOUBLE_CLICK_MS = 220;
const VOLUME_STEP = 0.05;

const BADGE: Record<StageView['state'], Key> = {
  idle: 'stateIdle',
  connecting: 'stateConnecting',
  playing: 'live',
  waiting: 'stateWaiting',
  paused: 'statePaused',
  ended: 'stateEnded',
  failed: 'stateFailed',
};

export class Stage {
  readonly #actions: StageActions;
  readonly #stage = get('stage', HTMLElement);
  readonly #toggle = get('toggle', HTMLButtonElement);
  readonly #mute = get('mute', HTMLButtonElement);
  readonly #volume = get('volume', HTMLInputElement);
  readonly #badge = get('badge', HTMLElement);
  readonly #pip = get('pip', HTMLButtonElement);
  readonly #full = get('full', HTMLButtonElement);
  readonly #tapSound = get('tapsound', HTMLButtonElement);
  readonly #failure = get('failure', HTMLElement);
  #view: StageView = {
    state: 'idle',
    muted: false,
    volume: 1,
    latency: null,
    live: true,
    atEdge: false,
    blocked: false,
    reconnecting: false,
    failure: null,
  };
  #hideTimer = 0;
  #clickTimer = 0;

  constructor(actions: StageActions) {
    this.#actions = actions;
    this.#toggle.addEventListener('click', event => actions.toggle(event.timeStamp));
    get('bigplay', HTMLButtonElement).addEventListener('click', event => actions.toggle(event.timeStamp));
    get('retry', HTMLButtonElement).addEventListener('click', event => actions.retry(event.timeStamp));
    this.#tapSound.addEventListener('click', () => actions.sound());
    this.#mute.addEventListener('click', () => this.#toggleMute());
    this.#volume.addEventListener('input', () => actions.volume(this.#volume.valueAsNumber));
    this.#pip.addEventListener('click', () => void this.#togglePip());
    this.#full.addEventListener('click', () => void this.#toggleFull());
    document.addEventListener('fullscreenchange', () => this.#render());
    this.#pointer();
    document.addEventListener('keydown', event => this.#key(event));
    onLanguage(() => this.#render());
    this.#wake();
  }

  update(change: Partial<StageView>): void {
    const before = this.#view.state;
    this.#view = { ...this.#view, ...change };
    if (this.#view.state !== before) this.#wake();
    this.#render();
  }

  #render(): void {
    const { state, muted, volume, latency, live, atEdge, blocked, reconnecting, failure } = this.#view;
    const running = isRunning(state);
    this.#stage.dataset.state = state;
    icon(this.#toggle, running ? 'i-pause' : 'i-play');
    label(this.#toggle, t(running ? 'pause' : 'play'));

    const silent = muted || volume === 0;
    icon(this.#mute, silent ? 'i-muted' : 'i-sound');
    label(this.#mute, t(silent ? 'unmute' : 'mute'));
    this.#volume.valueAsNumber = silent ? 0 : volume;
    this.#volume.setAttribute('aria-valuetext', `${Math.round((silent ? 0 : volume) * 100)} %`);
    fill(this.#volume);

    const away = reconnecting && (state === 'connecting' || state === 'waiting' || state === 'playing');
    this.#badge.dataset.away = String(away);
    this.#badge.dataset.edge = String(state === 'playing' && !away && (atEdge || !live));
    const recorded = state === 'playing' && !live;
    set('badge-text', t(away ? 'stateReconnecting' : recorded ? 'statePlaying' : BADGE[state]));
    const figure = state === 'playing' && !away && live && latency !== null;
    set('badge-figure', figure ? format.seconds(latency) : '');

    this.#tapSound.hidden = !(blocked && running);
    this.#failure.hidden = failure === null;
    if (failure !== null) {
      set('failure-title', failure.title);
      set('failure-text', failure.text);
      set('failure-code', failure.code);
    }

    this.#pip.hidden = !(document.pictureInPictureEnabled && this.#video() !== null);
    const isFull = document.fullscreenElement !== null;
    this.#full.hidden = !document.fullscreenEnabled && nativeFull(this.#video()) === null;
    icon(this.#full, isFull ? 'i-unfull' : 'i-full');
    label(this.#full, t(isFull ? 'unfull' : 'full'));
  }

  /** The track renderer shows its picture by a video element; the canvas has none. */
  #video(): HTMLVideoElement | null {
    return this.#stage.querySelector('.picture video');
  }

  #toggleMute(): void {
    const { muted, volume } = this.#view;
    if (volume === 0) this.#actions.volume(0.5);
    this.#actions.mute(volume === 0 ? false : !muted);
  }

  async #togglePip(): Promise<void> {
    try {
      if (document.pictureInPictureElement !== null) await document.exitPictureInPicture();
      else await this.#video()?.requestPictureInPicture();
    } catch {
      // Refused, for instance before the first picture: the button can be pressed again.
    }
  }

  async #toggleFull(): Promise<void> {
    try {
      if (document.fullscreenElement !== null) await document.exitFullscreen();
      else if (document.fullscreenEnabled) await this.#stage.requestFullscreen({ navigationUI: 'hide' });
      else nativeFull(this.#video())?.();
    } catch {
      // Refused without a gesture: the button can be pressed again.
    }
  }

  #pointer(): void {
    const picture = get('picture', HTMLElement);
    this.#stage.addEventListener('pointermove', () => this.#wake());
    this.#stage.addEventListener('focusin', () => this.#wake());
    this.#stage.addEventListener('pointerleave', event => {
      if (event.pointerType === 'mouse') this.#sleep();
    });
    // A finger calls the controls up or away; a mouse, which calls them up by moving, plays and pauses.
    picture.addEventListener('click', event => {
      if (event instanceof PointerEvent && event.pointerType !== 'mouse') {
        if (this.#stage.classList.contains('quiet-controls')) this.#wake();
        else this.#sleep();
        return;
      }
      clearTimeout(this.#clickTimer);
      if (event.detail > 1) return;
      const at = event.timeStamp;
      this.#clickTimer = window.setTimeout(() => this.#actions.toggle(at), DOUBLE_CLICK_MS);
    });
    picture.addEventListener('dblclick', () => {
      clearTimeout(this.#clickTimer);
      void this.#toggleFull();
    });
  }

  #key(event: KeyboardEvent): void {
    if (this.#stage.closest('[hidden]') !== null) return;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : document.body;
    // Fields keep their keys; a button keeps the space bar that presses it.
    if (target.closest('input, select, textarea, [contenteditable]') !== null) {
      const slider = target === this.#volume || target.id === 'seek';
      if (!slider || !/^[kmf]$/i.test(event.key)) return;
    }
    if (event.key === ' ' && target.closest('button, a') !== null) return;
    const onStage = target === document.body || this.#stage.contains(target);
    const step = event.key === 'ArrowUp' ? VOLUME_STEP : event.key === 'ArrowDown' ? -VOLUME_STEP : 0;
    if (step !== 0 && onStage) this.#stepVolume(step);
    else if ((event.key === ' ' && onStage) || /^k$/i.test(event.key)) {
      if (!event.repeat) this.#actions.toggle(event.timeStamp);
    } else if (/^m$/i.test(event.key)) {
      if (!event.repeat) this.#toggleMute();
    } else if (/^f$/i.test(event.key)) {
      if (!event.repeat) void this.#toggleFull();
    } else return;
    event.preventDefault();
    this.#wake();
  }

  #stepVolume(step: number): void {
    const { muted, volume } = this.#view;
    const from = muted ? 0 : volume;
    const to = Math.min(1, Math.max(0, Math.round((from + step) * 100) / 100));
    this.#actions.volume(to);
    if (muted && step > 0) this.#actions.mute(false);
  }

  #wake(): void {
    this.#stage.classList.remove('quiet-controls');
    clearTimeout(this.#hideTimer);
    this.#hideTimer = window.setTimeout(() => this.#sleep(), HIDE_AFTER_MS);
  }

  /** The controls stay while nothing plays, and while the keyboard or the pointer is on them. */
  #sleep(): void {
    const held = this.#stage.querySelector('.bar:hover, .bar :focus-visible') !== null;
    if (this.#view.state === 'playing' && !held) this.#stage.classList.add('quiet-controls');
  }
}

/** Whether a press of the button would pause. */
export function isRunning(state: StageView['state']): boolean {
  return state === 'connecting' || state === 'playing' || state === 'waiting';
}

/** iPhone: only a video element can fill the screen, by a method of its own. */
function nativeFull(video: HTMLVideoElement | null): (() => void) | null {
  const enter: unknown = video === null ? undefined : Reflect.get(video, 'webkitEnterFullscreen');
  return video !== null && typeof enter === 'function' ? () => enter.call(video) : null;
}
