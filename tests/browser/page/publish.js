/**
 * The page that publishes: makes a publisher as a user's page does and writes down every event, and the figures as they come.
 * harness/studio.ts drives it.
 */
import { Publisher, SailcastError } from '/dist/publisher/index.js';

const NAMES = [
  'ready',
  'connecting',
  'publishing',
  'bitratechange',
  'videochange',
  'framedrop',
  'congestion',
  'reconnecting',
  'devicelost',
  'devicerecovered',
  'devicechange',
  'degraded',
  'configchange',
  'configwarning',
  'error',
  'ended',
  'statechange',
];

const now = () => performance.timeOrigin + performance.now();

/** An error's fields are its own or its prototype's: they are read one by one. */
const plain = (name, detail) =>
  name === 'error'
    ? {
        type: detail.type,
        details: detail.details,
        code: detail.code,
        fatal: detail.fatal,
        message: detail.message,
        isError: detail instanceof SailcastError,
      }
    : JSON.parse(JSON.stringify(detail ?? null));

/** Each learns all of the other at once. */
async function negotiate(from, to) {
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription);
}

const studio = {
  publisher: undefined,
  events: [],
  /** `[milliseconds since 1970, figures]`. */
  stats: [],
  make(options) {
    const publisher = new Publisher({ preview: '#preview', ...options });
    studio.publisher = publisher;
    for (const name of NAMES)
      publisher.addEventListener(name, event =>
        studio.events.push({ name, at: now(), detail: plain(name, event.detail) }),
      );
    publisher.addEventListener('stats', ({ detail }) => studio.stats.push([now(), detail]));
  },
  /** The microphone by way of a call with oneself, as a track that the browser really mutes while the call is held. */
  async call() {
    const { mediaDevices } = navigator;
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate);
    const [track] = (await mediaDevices.getUserMedia({ audio: true })).getTracks();
    const line = from.addTransceiver(track, { direction: 'sendonly' });
    await negotiate(from, to);
    studio.hold = async held => {
      line.direction = held ? 'inactive' : 'sendonly';
      await negotiate(from, to);
    };
    return new MediaStream([to.getReceivers()[0].track]);
  },
  /** The same as a track, as from a camera: no canvas has to be read for it. */
  clockTrack(period = 1000 / 30) {
    const [width, height] = [1280, 720];
    const [block, strip] = [width / 32, height / 15];
    const picture = new Uint8Array((width * height * 3) / 2).fill(128);
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    const writer = track.writable.getWriter();
    studio.drawn = [];
    const draw = () => {
      const number = studio.drawn.push(now()) - 1;
      for (let i = 0; i < 32; i++) {
        const bit = (number >> (15 - (i % 16))) & 1;
        for (let row = 0; row < strip; row++)
          picture.fill(
            bit === (i < 16 ? 1 : 0) ? 235 : 16,
            row * width + i * block,
            row * width + (i + 1) * block,
          );
      }
      for (let row = strip; row < height; row++)
        picture[row * width + ((row * 7 + number * 5) % width)] = number & 255;
      const timestamp = Math.round(performance.now() * 1000);
      writer.write(
        new VideoFrame(picture, { format: 'I420', codedWidth: width, codedHeight: height, timestamp }),
      );
    };
    draw();
    setInterval(draw, period);
    return new MediaStream([track]);
  },
  /**
   * Draws the strip of numbers that fixtures/make.mjs describes on the canvas, a new number every `period` ms, beside something that
   * moves. `drawn`: when each number was drawn.
   */
  runClock(period = 1000 / 30) {
    const canvas = document.querySelector('#clock');
    const context = canvas.getContext('2d');
    const { width, height } = canvas;
    const [block, strip] = [width / 32, height / 15];
    studio.drawn = [];
    studio.canvas = canvas;
    const draw = () => {
      const number = studio.drawn.push(now()) - 1;
      context.fillStyle = `hsl(${number % 360} 40% 40%)`;
      context.fillRect(0, strip, width, height - strip);
      context.fillStyle = '#d0b060';
      context.fillRect((number * 8) % width, height / 2, 160, 160);
      for (let i = 0; i < 32; i++) {
        const bit = (number >> (15 - (i % 16))) & 1;
        context.fillStyle = bit === (i < 16 ? 1 : 0) ? '#fff' : '#000';
        context.fillRect(i * block, 0, block, strip);
      }
    };
    draw();
    setInterval(draw, period);
  },
};

globalThis.studio = studio;
