/**
 * The page "Watch" around one player, made of the package's public API only. This module joins the parts; what they show is
 * theirs. The settings are the viewer's wishes, which the permalink holds: what the browser imposes, such as starting without
 * sound, is shown but not kept. While another page shows, there is no player.
 */
import type { SailcastError } from 'sailcast';
import { Charts } from './charts.js';
import { isRunning, Stage } from './controls.js';
import { Definitions, definitionName } from './definitions.js';
import { fill, get, set } from './dom.js';
import { Figures } from './figures.js';
import * as format from './format.js';
import { isKey, language, onLanguage, t } from './i18n.js';
import { Keep } from './keep.js';
import { Log } from './log.js';
import { Meter } from './meter.js';
import type { Settings } from './permalink.js';
import { Quality } from './quality.js';
import { copy, saveJson } from './save.js';
import { type PlayerEvent, Session } from './session.js';
import { settings, wishFor } from './settings.js';
import { zhAdvice } from './strings.js';
import { Timeline } from './timeline.js';
import { WATCH_CHARTS } from './watch-charts.js';

const TICK_MS = 250;
/** Without figures for so long, seconds, the charts show a gap. */
const SILENCE = 1;
/** This much over the target, seconds, is still live. */
const EDGE_SLACK = 0.25;
const BRIEF_MAX = 80;
/** Where an automatic target begins, seconds. */
const AUTO_START = 0.25;

const PRESETS = ['http', 'ws', 'hls'] as const;
type Preset = (typeof PRESETS)[number];

const demoUrl = (preset: Preset) => {
  const url = new URL(`/live/demo.${preset === 'hls' ? 'm3u8' : 'flv'}`, location.href);
  if (preset === 'ws') url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};

const presetOf = (button: HTMLButtonElement): Preset =>
  PRESETS.find(preset => preset === button.dataset.preset) ?? 'http';

const charts = new Charts('watch', WATCH_CHARTS);
const meter = new Meter();
const figures = new Figures(get('figures', HTMLElement));
const quality = new Quality(
  get('steps', HTMLOListElement),
  get('histogram', HTMLOListElement),
  get('quality-figures', HTMLElement),
);
const log = new Log(get('log', HTMLOListElement));
const timeline = new Timeline();
const definitions = new Definitions();
const session = new Session(get('picture', HTMLElement), onEvent);
const stage = new Stage({
  toggle,
  retry: at => open(at),
  mute: muted => change({ muted }),
  volume: volume => change({ volume }),
  sound: () => change({ muted: false }),
});

const keep = new Keep(() => session.player);

/** When the newest figures came, seconds; the charts move on without, if none come. */
let sampledAt = 0;
/** How the present first-frame figure came about. */
let first: { ms: number | null; automatic: boolean; total: number } | null = null;
let failure: SailcastError | null = null;

// ---- What the viewer wants

/** Opens the stream of the settings. `at`: when that was asked for, on the clock of `performance.now()`. */
function open(at: number, automatic = false): void {
  failure = null;
  first = { ms: null, automatic, total: 0 };
  meter.reset();
  figures.clear();
  quality.clear();
  void keep.finish();
  const url = settings().url || demoUrl('http');
  log.add('load', () => url, 'notable');
  stage.update({ failure: null, blocked: false, reconnecting: false, latency: null });
  showFirst();
  // What the browser forbade a page by itself, it allows after a click.
  if (!automatic && session.player !== null) session.player.muted = settings().muted;
  session.open(url, settings(), at);
  definitions.follow(session.player);
  showSound();
}

function toggle(at: number): void {
  const player = session.player;
  const state = player?.state ?? 'idle';
  const again = state === 'ended' && player?.live !== false;
  if (player === null || state === 'idle' || again || state === 'failed') open(at);
  else if (isRunning(state)) player.pause();
  else player.play().catch(() => {});
}

function change(wish: Partial<Settings>): void {
  wishFor(wish);
  const player = session.player;
  if (player !== null) {
    if (wish.muted !== undefined) {
      player.muted = wish.muted;
      if (!wish.muted) stage.update({ blocked: false });
    }
    if (wish.volume !== undefined) player.volume = wish.volume;
    if (wish.latency !== undefined) player.targetLatency = wish.latency;
    if (wish.fit !== undefined) player.fit = wish.fit;
    if (wish.rate !== undefined) player.playbackRate = wish.rate;
    if (wish.loop !== undefined) player.loop = wish.loop;
  }
  showSettings();
  showSound();
}

// ---- What the player says

function onEvent(event: PlayerEvent): void {
  switch (event.name) {
    case 'stats': {
      const at = performance.now() / 1000;
      const sample = meter.sample(event.detail, at);
      sampledAt = at;
      charts.push(sample);
      figures.update(event.detail);
      quality.update(event.detail.quality);
      if (settings().latency === 'auto') showTarget();
      const atEdge = event.detail.latency <= event.detail.targetLatency + EDGE_SLACK;
      stage.update({ latency: sample.latency, live: session.player?.live !== false, atEdge });
      timeline.update(session.player);
      return;
    }
    case 'firstframe': {
      const ms = Math.round(session.elapsed);
      if (first?.ms === null) first = { ...first, ms, total: Math.round(performance.now()) };
      showFirst();
      log.add(event.name, () => t('logFirstFrame', { ms }), 'notable');
      return;
    }
    case 'statechange': {
      const { state, previous } = event.detail;
      stage.update({ state });
      log.add(event.name, () => `${previous} → ${state}`);
      return;
    }
    case 'videotrack': {
      const { codec, width, height } = event.detail;
      figures.learn({ video: codec });
      log.add(event.name, () => t('logTrack', { codec, shape: `${width} × ${height}` }));
      return;
    }
    case 'audiotrack': {
      const { codec, sampleRate, channels, label } = event.detail;
      if (sampleRate !== undefined) figures.learn({ audio: codec });
      const shape = sampleRate === undefined ? `${label}` : `${sampleRate / 1000} kHz × ${channels}`;
      log.add(event.name, () => t('logTrack', { codec, shape }));
      return;
    }
    case 'resize': {
      const size = event.detail;
      figures.learn({ size });
      log.add(event.name, () => `${size.width} × ${size.height}`);
      return;
    }
    case 'error':
      onError(event.detail);
      return;
    case 'autoplayblocked':
      stage.update({ blocked: true });
      showSound();
      log.add(event.name, () => t('logBlocked'), 'notable');
      return;
    case 'volumechange': {
      const { muted, volume } = event.detail;
      showSound();
      log.add(event.name, () => (muted ? t('logMuted') : `${Math.round(volume * 100)} %`), 'plain', true);
      return;
    }
    case 'ratechange': {
      const { rate } = event.detail;
      log.add(event.name, () => format.rate(rate), 'plain', true);
      return;
    }
    case 'skip': {
      const { from, to } = event.detail;
      log.add(event.name, () => t('logSkip', { time: format.seconds(to - from) }), 'notable');
      return;
    }
    case 'discontinuity': {
      const { kind, delta } = event.detail;
      log.add(event.name, () => `${kind} ${format.seconds(delta)}`, 'notable');
      return;
    }
    case 'reconnecting': {
      const { attempt, delay, reason } = event.detail;
      stage.update({ reconnecting: true });
      log.add(
        event.name,
        () => t('logReconnecting', { attempt, reason, time: format.seconds(delay) }),
        'notable',
      );
      return;
    }
    case 'reconnected':
      stage.update({ reconnecting: false });
      log.add(event.name, () => '', 'notable');
      return;
    case 'targetchange': {
      const { target } = event.detail;
      log.add(event.name, () => format.seconds(target), 'plain', true);
      return;
    }
    case 'metadata': {
      const { message, values } = event.detail;
      // Comes all the time, and shows as the end-to-end latency.
      if (message === 'onWallClock') return;
      log.add(event.name, () => `${message} ${brief(values)}`.trimEnd(), 'plain', true);
      return;
    }
    case 'decoderchange': {
      const { kind, from, to, reason } = event.detail;
      log.add(event.name, () => `${kind}: ${from === null ? '' : `${from} → `}${to}, ${reason}`, 'notable');
      return;
    }
    case 'durationchange':
    case 'streamtypechange':
      timeline.update(session.player);
      log.add(event.name, () => String(Object.values(event.detail)[0]));
      return;
    case 'seeking':
    case 'seeked': {
      const [to = 0] = Object.values(event.detail);
      timeline.update(session.player);
      log.add(event.name, () => format.span(to), 'plain', true);
      return;
    }
    case 'renditionchange': {
      const { rendition, auto } = event.detail;
      definitions.show();
      log.add(
        event.name,
        () => `${definitionName(rendition)}${auto ? ` (${t('definitionAuto')})` : ''}`,
        'notable',
      );
      return;
    }
    case 'ended':
      void keep.finish();
      log.add(event.name);
      return;
    case 'waiting':
      log.add(event.name, () => '', 'notable');
      return;
    default:
      log.add(event.name);
  }
}

function onError(error: SailcastError): void {
  const { code, details, message } = error;
  const advice = () => (language() === 'zh' ? ` ${zhAdvice[details] ?? ''}` : '');
  log.add(
    'error',
    () => `${code} ${details}: ${message}${advice()}`.trimEnd(),
    error.fatal ? 'error' : 'notable',
  );
  if (error.fatal || error.details === 'recordingFailed') void keep.finish();
  if (!error.fatal) return;
  failure = error;
  stage.update({ reconnecting: false });
  showFailure();
  showFirst();
}

// ---- What the page shows

function showFailure(): void {
  if (failure === null) return;
  const { code, details, type, message } = failure;
  const key = `error.${details}`;
  const title = t(isKey(key) ? key : 'errorTitle');
  const text = (language() === 'zh' ? zhAdvice[details] : undefined) ?? message;
  stage.update({ state: 'failed', failure: { title, text, code: `${type} / ${details} / ${code}` } });
}

function showFirst(): void {
  const figure = first?.ms ?? null;
  set('first-figure', figure === null ? format.NONE : figure.toLocaleString('en').replace(',', '\u2009'));
  if (first === null) set('first-note', t('firstNone'));
  else if (figure === null) set('first-note', t(failure === null ? 'firstWaiting' : 'firstFailed'));
  else set('first-note', first.automatic ? t('firstAuto', { total: first.total }) : t('firstClick'));
}

function showSound(): void {
  const player = session.player;
  stage.update({ muted: player?.muted ?? settings().muted, volume: player?.volume ?? settings().volume });
}

function showSettings(): void {
  const latency = get('latency', HTMLInputElement);
  const automatic = settings().latency === 'auto';
  get('latency-auto', HTMLInputElement).checked = automatic;
  latency.disabled = automatic;
  showTarget();
  get('renderer', HTMLSelectElement).value = settings().renderer;
  get('decoder', HTMLSelectElement).value = settings().decoder;
  get('fit', HTMLSelectElement).value = settings().fit;
  get('rate', HTMLSelectElement).value = String(settings().rate);
  get('loop', HTMLInputElement).checked = settings().loop;
  const url = settings().url || demoUrl('http');
  const field = get('url', HTMLInputElement);
  if (document.activeElement !== field) field.value = url;
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-preset]')) {
    button.setAttribute('aria-pressed', String(demoUrl(presetOf(button)) === url));
  }
}

/** The slider stands where the target is: where the viewer put it, or where the network did. */
function showTarget(): void {
  const { latency: wanted } = settings();
  const target = wanted === 'auto' ? (session.player?.targetLatency ?? AUTO_START) : wanted;
  const latency = get('latency', HTMLInputElement);
  latency.valueAsNumber = target;
  latency.setAttribute('aria-valuetext', format.seconds(target));
  fill(latency);
  set('latency-figure', format.seconds(target));
}

/** What a stream's message holds, short enough for a row of the log. */
function brief(values: unknown[]): string {
  const text = values
    .flatMap(value => (typeof value === 'object' && value !== null ? Object.entries(value) : [[value]]))
    .map(pair => pair.map(part => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '))
    .join(', ');
  return text.length > BRIEF_MAX ? `${text.slice(0, BRIEF_MAX - 1)}…` : text;
}

// ---- The page's own controls

get('source', HTMLFormElement).addEventListener('submit', event => {
  event.preventDefault();
  const field = get('url', HTMLInputElement);
  const url = field.value.trim();
  field.blur();
  change({ url: url === demoUrl('http') ? '' : url });
  open(event.timeStamp);
});
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-preset]')) {
  button.addEventListener('click', event => {
    const preset = presetOf(button);
    change({ url: preset === 'http' ? '' : demoUrl(preset) });
    open(event.timeStamp);
  });
}
get('again', HTMLButtonElement).addEventListener('click', event => open(event.timeStamp));
get('latency', HTMLInputElement).addEventListener('input', event => {
  change({ latency: Number((event.target as HTMLInputElement).value) });
});
get('latency-auto', HTMLInputElement).addEventListener('change', event => {
  const { checked } = event.target as HTMLInputElement;
  change({ latency: checked ? 'auto' : get('latency', HTMLInputElement).valueAsNumber });
});
get('renderer', HTMLSelectElement).addEventListener('change', event => {
  change({ renderer: (event.target as HTMLSelectElement).value as Settings['renderer'] });
  open(event.timeStamp);
});
get('decoder', HTMLSelectElement).addEventListener('change', event => {
  change({ decoder: (event.target as HTMLSelectElement).value as Settings['decoder'] });
  open(event.timeStamp);
});
get('fit', HTMLSelectElement).addEventListener('change', event => {
  change({ fit: (event.target as HTMLSelectElement).value as Settings['fit'] });
});
get('rate', HTMLSelectElement).addEventListener('change', event => {
  change({ rate: Number((event.target as HTMLSelectElement).value) });
});
get('loop', HTMLInputElement).addEventListener('change', event => {
  change({ loop: (event.target as HTMLInputElement).checked });
});
get('share', HTMLButtonElement).addEventListener('click', event => {
  void copy(event.currentTarget as HTMLElement, location.href, 'linkCopied');
});
get('savelog', HTMLButtonElement).addEventListener('click', async () => {
  const text = await session.player?.exportLog();
  if (text !== undefined) saveJson('sailcast', text);
});
get('copylog', HTMLButtonElement).addEventListener('click', event => {
  void copy(event.currentTarget as HTMLElement, log.text(), 'copied');
});
onLanguage(() => {
  showFirst();
  showFailure();
});
setInterval(() => {
  const at = performance.now() / 1000;
  if (session.player !== null && sampledAt > 0 && at - sampledAt > SILENCE) charts.push(Meter.gap(at));
}, TICK_MS);

showSettings();
showSound();
showFirst();

/** As `Page` of main.ts. */
export function enter(at: number, automatic: boolean): void {
  showSettings();
  showSound();
  if (!automatic || settings().autoplay) open(at, automatic);
}

export function leave(): void {
  void keep.finish();
  session.close();
  timeline.update(null);
  definitions.follow(null);
  stage.update({ state: 'idle', failure: null, latency: null });
}
