/** Holds a publisher and a player for a test that can only run code and read JSON. */
import { Player } from '/dist/index.js';
import { Publisher } from '/dist/publisher/index.js';

const SECOND = 1000;
const events = [];

function note(target, prefix, names) {
  for (const name of names) {
    target.addEventListener(name, ({ detail }) => {
      events.push({ name: prefix + name, detail: detail instanceof Error ? detail.message : detail });
    });
  }
}

const wait = seconds => new Promise(resolve => setTimeout(resolve, seconds * SECOND));

/** Each second a white flash of 200 ms and a beep with it, in a stream of its own. */
function flashes() {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 360];
  const picture = canvas.getContext('2d');
  const context = new AudioContext();
  const sink = context.createMediaStreamDestination();
  const tone = context.createOscillator();
  const gate = context.createGain();
  gate.gain.value = 0;
  tone.frequency.value = 1000;
  tone.connect(gate).connect(sink);
  tone.start();
  // As timers come: what is heard is set at the same instant as what is seen.
  let lit;
  setInterval(() => {
    const now = performance.now();
    const light = now % SECOND < SECOND / 5;
    if (light !== lit) gate.gain.value = light ? 0.8 : 0;
    lit = light;
    picture.fillStyle = light ? '#fff' : `rgb(${Math.floor(now / 10) % 60} 0 0)`;
    picture.fillRect(0, 0, canvas.width, canvas.height);
  }, 20);
  const stream = canvas.captureStream(30);
  for (const track of sink.stream.getTracks()) stream.addTrack(track);
  return { stream, context };
}

globalThis.stage = {
  events,
  wait,
  flashes,
  Publisher,
  publisher(options) {
    const publisher = new Publisher({ preview: '#preview', ...options });
    note(publisher, '', [
      'publishing',
      'reconnecting',
      'encoderchange',
      'devicelost',
      'devicerecovered',
      'degraded',
      'error',
      'ended',
    ]);
    stage.publisher = publisher;
    return publisher;
  },
  player(url, options) {
    const player = new Player({ container: '#player', url, ...options });
    note(player, 'player:', ['error', 'playing']);
    stage.player = player;
    return player;
  },
};
