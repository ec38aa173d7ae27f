/**
 * The page "Publish" around one publisher and one player of what it sends, made of the package's public API only. This module
 * joins the parts; what they show is theirs. The stream goes on while the other page shows; only its viewer rests.
 */
import { Publisher, type PublisherStats, SailcastError } from 'sailcast/publisher';
import { Charts } from '../charts.js';
import { get, icon, set } from '../dom.js';
import { FigureList } from '../figure-list.js';
import * as format from '../format.js';
import { label, onLanguage, t } from '../i18n.js';
import { Log } from '../log.js';
import { copy, save, saveJson, stamp } from '../save.js';
import { linkTo, settings, wishFor } from '../settings.js';
import { lines, madeUp, watchUrl } from './address.js';
import { makePublisher, type PublishEvent } from './broadcast.js';
import { dropped, gap, PUBLISH_CHARTS, sampled } from './charts.js';
import { Configuration } from './configuration.js';
import { PUBLISH_FIGURES } from './figures.js';
import { isRunning, OwnStage } from './own-stage.js';
import { Sources } from './sources.js';
import { Throttle } from './throttle.js';
import { Viewer } from './viewer.js';
import { errorWords, problemWords, wordsOf } from './words.js';

const TICK_MS = 250;
/** Without figures for so long, seconds, the charts show a gap. */
const SILENCE = 1;

const own = madeUp();
const field = get('to', HTMLInputElement);
const charts = new Charts('publish', PUBLISH_CHARTS);
const figures = new FigureList(get('sending', HTMLElement), PUBLISH_FIGURES);
const log = new Log(get('publish-log', HTMLOListElement));
const stage = new OwnStage();
const sources = new Sources(kind => void replace(kind));
const viewer = new Viewer(get('seen-picture', HTMLElement), state => {
  get('seen', HTMLElement).dataset.state = state;
});
const throttle = new Throttle(
  () => lines(field.value)[0],
  rate => log.add('throttle', () => (rate === 0 ? t('throttleFree') : format.bitrate(rate)), 'notable'),
);
const publisher = makePublisher({ preview: get('own-picture', HTMLElement) }, onEvent);
const configuration = new Configuration(layer => publisher.setConfig(layer));

let visible = false;
let recording = false;
let sampledAt = 0;
let droppedBefore = 0;

// ---- What the visitor wants

async function openSources(): Promise<void> {
  stage.update({ failure: null });
  try {
    if (await give()) await publisher.prepare();
  } catch (error) {
    fail(error);
  }
}

async function go(): Promise<void> {
  if (isRunning(publisher.state)) {
    await publisher.stop();
    return;
  }
  const to = lines(field.value);
  wishFor({ to: field.value.trim() === own ? '' : field.value.trim() });
  stage.update({ failure: null, uptime: 0 });
  droppedBefore = 0;
  try {
    if (publisher.ready || (await give())) await publisher.start(to);
  } catch (error) {
    fail(error);
  }
}

/** What is chosen, before anything is open; false where the choice is not complete. */
async function give(): Promise<boolean> {
  const video = sources.video();
  set('source-problem', video === null ? t('fileMissing') : '');
  if (video === null) {
    get('file', HTMLInputElement).focus();
    return false;
  }
  await publisher.replaceSource({ video, audio: sources.audio() });
  return true;
}

async function replace(kind: 'video' | 'audio'): Promise<void> {
  showSources();
  if (!publisher.ready) return;
  const video = kind === 'video' ? sources.video() : null;
  if (kind === 'video' && video === null) return;
  try {
    await publisher.replaceSource(video === null ? { audio: sources.audio() } : { video });
    sources.keep();
    set('source-problem', '');
  } catch (error) {
    sources.revert();
    if (!(error instanceof SailcastError)) return;
    log.add('error', () => errorWords(error), 'notable');
    set('source-problem', problemWords(error));
  }
}

async function record(): Promise<void> {
  if (recording) {
    await endRecording();
    return;
  }
  recording = true;
  stage.update({ recording });
  await publisher.startRecording();
  log.add('recording', () => '', 'notable');
}

async function endRecording(): Promise<void> {
  const film = await publisher.stopRecording();
  if (!recording) return;
  recording = false;
  stage.update({ recording });
  if (film === null || film.size === 0) return;
  const name = `sailcast-${stamp()}.flv`;
  save(name, film);
  log.add('recorded', () => `${name}, ${format.bytes(film.size)}`, 'notable');
}

// ---- What the publisher says

function onEvent(event: PublishEvent): void {
  const words = wordsOf(event);
  if (words !== null) log.add(event.name, words.detail, words.level, words.coalesce);
  switch (event.name) {
    case 'stats':
      showStats(event.detail);
      return;
    case 'ready':
      sources.keep();
      stage.update({ ready: true });
      void listDevices();
      return;
    case 'devicechange':
      sources.devices = event.detail.devices;
      return;
    case 'devicerecovered':
      void listDevices();
      return;
    case 'publishing':
      set('ingest-problem', '');
      watch();
      return;
    case 'reconnecting':
      set('ingest-problem', words?.detail() ?? '');
      return;
    case 'configchange':
      configuration.show(event.detail.config);
      return;
    case 'configwarning':
      configuration.warn(event.detail);
      return;
    case 'error':
      if (event.detail.fatal) stage.update({ failure: event.detail });
      return;
    case 'statechange':
      onState();
      return;
  }
}

function onState(): void {
  const { state } = publisher;
  stage.update({ state });
  if (isRunning(state)) return;
  set('ingest-problem', '');
  viewer.close();
  showDelay(null, null);
  if (recording) void endRecording();
}

function fail(error: unknown): void {
  // What came in between says no more about it; what the publisher itself reported was heard.
  if (!(error instanceof SailcastError)) return;
  if (error !== publisher.error) log.add('error', () => errorWords(error), 'error');
  stage.update({ failure: error });
}

async function listDevices(): Promise<void> {
  sources.devices = await publisher.devices();
}

function watch(): void {
  const url = watchUrl(publisher.urls[0]);
  if (visible && url !== null) viewer.open(url);
}

// ---- What the page shows

function showStats(stats: PublisherStats): void {
  const at = performance.now() / 1000;
  const delays = { endToEnd: viewer.stats?.endToEndLatency ?? null, picture: viewer.pictureDelay };
  sampledAt = at;
  charts.push(sampled(at, stats, publisher.config.latencyBudget, delays, droppedBefore));
  droppedBefore = dropped(stats);
  figures.show(stats);
  stage.update({ uptime: stats.uptime });
  showDelay(delays.endToEnd, delays.picture);
}

function showDelay(endToEnd: number | null, picture: number | null): void {
  set('delay-figure', endToEnd === null ? format.NONE : String(Math.round(endToEnd * 1000)));
  const read = picture === null ? '' : ` ${t('delayPicture', { ms: Math.round(picture * 1000) })}`;
  set('delay-note', `${t(endToEnd === null ? 'delayNone' : 'delayClock')}${read}`);
}

function showSources(): void {
  const { pictureOff, camera, turns } = sources;
  stage.update({ soundOff: publisher.muted, pictureOff, camera, turns });
}

function showLink(): void {
  const url = watchUrl(lines(field.value)[0]);
  const link =
    url === null ? '' : linkTo({ tab: 'watch', url, to: '', source: 'camera', sound: 'microphone' });
  get('watch-link', HTMLInputElement).value = link === '' ? '' : new URL(link, location.href).href;
  get('open-watch', HTMLAnchorElement).href = link;
}

function showSeenSound(): void {
  const button = get('seen-mute', HTMLButtonElement);
  icon(button, viewer.muted ? 'i-muted' : 'i-sound');
  label(button, t(viewer.muted ? 'unmute' : 'mute'));
}

/** All that is known of the stream, for a bug report. */
function report(): string {
  const { config, urls, error } = publisher;
  const at = new Date().toISOString();
  const { userAgent } = navigator;
  const events = log.text().split('\n');
  const player = viewer.stats;
  return JSON.stringify(
    { at, userAgent, urls, config, error, stats: publisher.stats(), player, events },
    null,
    2,
  );
}

// ---- The page's own controls

const press = (id: string, action: (button: HTMLElement) => void) =>
  get(id, HTMLButtonElement).addEventListener('click', event => action(event.currentTarget as HTMLElement));

get('ingest', HTMLFormElement).addEventListener('submit', event => {
  event.preventDefault();
  void go();
});
field.addEventListener('input', () => {
  throttle.clear();
  showLink();
});
press('open-sources', () => void openSources());
press('own-retry', () => void (publisher.ready ? go() : openSources()));
press('mute-sound', () => {
  publisher.muted = !publisher.muted;
  showSources();
});
press('mute-picture', () => {
  sources.pictureOff = !sources.pictureOff;
});
press('turn', () => sources.turn());
press('record', () => void record());
press('seen-mute', () => {
  viewer.muted = !viewer.muted;
  showSeenSound();
});
press('copy-watch', button => void copy(button, get('watch-link', HTMLInputElement).value, 'linkCopied'));
press('save-report', () => saveJson('sailcast-publish', report()));
press('copy-publish-log', button => void copy(button, log.text(), 'copied'));
onLanguage(() => {
  showDelay(null, null);
  showSeenSound();
});
setInterval(() => {
  const at = performance.now() / 1000;
  if (visible && sampledAt > 0 && at - sampledAt > SILENCE) charts.push(gap(at));
}, TICK_MS);

configuration.show(publisher.config);
void Publisher.probe().then(probe => configuration.limit(probe));
showDelay(null, null);
showSeenSound();
showSources();

/** As `Page` of main.ts. */
export function enter(): void {
  visible = true;
  if (!isRunning(publisher.state)) field.value = settings().to || own;
  sources.follow();
  showSources();
  showLink();
  if (publisher.state === 'publishing') watch();
}

export function leave(): void {
  visible = false;
  viewer.close();
}
