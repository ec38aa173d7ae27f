/**
 * The page under test: makes players as a user's page does and writes down every event. harness/stage.ts drives it.
 */
import * as sailcast from '/dist/index.js';

const NAMES = [
  'loadstart',
  'videotrack',
  'audiotrack',
  'trackselected',
  'decoderchange',
  'firstframe',
  'playing',
  'waiting',
  'play',
  'pause',
  'resize',
  'volumechange',
  'metadata',
  'cue',
  'skip',
  'ratechange',
  'targetchange',
  'durationchange',
  'streamtypechange',
  'seeking',
  'seeked',
  'renditionchange',
  'reconnecting',
  'reconnected',
  'degraded',
  'recovered',
  'discontinuity',
  'error',
  'ended',
  'statechange',
  'autoplayblocked',
  'destroyed',
];

/** An error's fields are its own or its prototype's: they are read one by one. */
const plain = (name, detail) =>
  name === 'error'
    ? {
        type: detail.type,
        details: detail.details,
        code: detail.code,
        fatal: detail.fatal,
        message: detail.message,
        isError: detail instanceof sailcast.SailcastError,
      }
    : JSON.parse(JSON.stringify(detail ?? null));

const stage = {
  sailcast,
  players: [],
  events: [],
  /** Writes down the events of a player or element; `index` is its place in `players`. */
  watch(target, index) {
    for (const name of NAMES) {
      target.addEventListener(name, event => {
        const at = performance.timeOrigin + performance.now();
        stage.events.push({ name, player: index, at, detail: plain(name, event.detail) });
      });
    }
  },
  make(options) {
    const player = new sailcast.Player({ container: '#box', ...options });
    const index = stage.players.push(player) - 1;
    stage.watch(player, index);
    return index;
  },
};

globalThis.stage = stage;

// For what must happen without a user's gesture: a script that the test runs counts as one.
const url = new URL(location.href).searchParams.get('play');
if (url) stage.make({ url, autoplay: true });
