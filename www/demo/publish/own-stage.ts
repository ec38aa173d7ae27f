/** The stage with the own picture: its buttons, its badge, the overlay of a failure. It shows what it is told. */
import type { PublisherState, SailcastError } from 'sailcast/publisher';
import { get, icon, set } from '../dom.js';
import { type Key, label, onLanguage, t } from '../i18n.js';
import { failureWords } from './words.js';

export interface OwnView {
  state: PublisherState;
  /** The sources are open. */
  ready: boolean;
  soundOff: boolean;
  pictureOff: boolean;
  /** Pictures come from a camera. */
  camera: boolean;
  /** There is a front and a back camera. */
  turns: boolean;
  recording: boolean;
  /** Seconds since it is live. */
  uptime: number;
  failure: SailcastError | null;
}

const STATES: Record<PublisherState, Key> = {
  idle: 'stateIdle',
  connecting: 'stateConnecting',
  publishing: 'live',
  reconnecting: 'stateReconnecting',
  ended: 'stateEnded',
  failed: 'stateFailed',
};

export class OwnStage {
  #view: OwnView = {
    state: 'idle',
    ready: false,
    soundOff: false,
    pictureOff: false,
    camera: true,
    turns: false,
    recording: false,
    uptime: 0,
    failure: null,
  };

  constructor() {
    onLanguage(() => this.#render());
    this.#render();
  }

  update(change: Partial<OwnView>): void {
    this.#view = { ...this.#view, ...change };
    this.#render();
  }

  #render(): void {
    const { state, ready, soundOff, pictureOff, camera, turns, recording, uptime, failure } = this.#view;
    const running = isRunning(state);
    get('own', HTMLElement).dataset.state = state;
    get('open-sources', HTMLElement).hidden = ready || running || failure !== null;
    set('open-text', t(camera ? 'openCamera' : 'openPreview'));
    press('mute-sound', soundOff, soundOff ? 'i-nomic' : 'i-mic', soundOff ? 'soundOn' : 'soundOff');
    press(
      'mute-picture',
      pictureOff,
      pictureOff ? 'i-nocamera' : 'i-camera',
      pictureOff ? 'pictureOn' : 'pictureOff',
    );
    get('turn', HTMLElement).hidden = !turns;
    const badge = get('own-badge', HTMLElement);
    badge.dataset.edge = String(state === 'publishing');
    badge.dataset.away = String(state === 'reconnecting');
    badge.hidden = !ready && state === 'idle';
    set('own-state', t(STATES[state]));
    set('own-time', running && uptime > 0 ? clock(uptime) : '');

    const go = get('go', HTMLButtonElement);
    go.dataset.running = String(running);
    icon(go, running ? 'i-stop' : 'i-golive');
    set('go-text', t(running ? 'stop' : 'goLive'));
    const record = get('record', HTMLButtonElement);
    record.disabled = !running && !recording;
    record.setAttribute('aria-pressed', String(recording));
    set('record-text', t(recording ? 'recordStop' : 'record'));

    get('own-failure', HTMLElement).hidden = failure === null;
    if (failure === null) return;
    const { title, text, code } = failureWords(failure);
    set('own-failure-title', title);
    set('own-failure-text', text);
    set('own-failure-code', code);
  }
}

/** Whether a press of the button would stop. */
export function isRunning(state: PublisherState): boolean {
  return state === 'connecting' || state === 'publishing' || state === 'reconnecting';
}

function press(id: string, pressed: boolean, symbol: string, name: Key): void {
  const button = get(id, HTMLButtonElement);
  icon(button, symbol);
  label(button, t(name));
  button.dataset.off = String(pressed);
}

function clock(seconds: number): string {
  const pad = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const minutes = `${pad((seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return seconds < 3600 ? minutes : `${Math.floor(seconds / 3600)}:${minutes}`;
}
