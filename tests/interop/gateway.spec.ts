/** A stream published to the relay by WebSocket, pushed on by RTMP, and watched at the other server. */
import { expect, test } from '@playwright/test';
import { flows } from './flows.js';
import { startNginx } from './nginx.js';
import { startNodeMediaServer } from './node-media-server.js';
import { play, tracks } from './playback.js';
import { until } from './process.js';
import { startGateway } from './relay.js';
import { publishBySocket } from './socket.js';

const FIXTURE = 'counter-av';
const TRACKS = ['aac', 'h264,640,360'];
const SECONDS = 4;
/** The fixture has 30 a second. */
const FRAMES = SECONDS * 30 * 0.9;

/** How many segments nginx has written. */
async function segments(playlist: string): Promise<number> {
  const text = await (await fetch(playlist)).text();
  const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0);
  return first + [...text.matchAll(/^#EXTINF/gm)].length;
}

test('nginx-rtmp makes HLS of it, and again after it was away', async () => {
  const nginx = await startNginx();
  const relay = await startGateway(nginx.application);
  try {
    const publisher = await publishBySocket(FIXTURE, relay.ws('camera'));
    const playlist = nginx.hls('camera');
    await until('three segments', async () => (await segments(playlist)) >= 3, 20);
    expect(await tracks(playlist)).toEqual(TRACKS);
    const played = await play(playlist, SECONDS);
    expect(played.errors).toBe('');
    expect(played.frames).toBeGreaterThanOrEqual(FRAMES);

    await nginx.kill();
    const waits = async () => (await relay.upstreams('camera'))[0]?.state === 'waiting';
    await until('the relay sees it go', waits);
    await nginx.start();
    const publishes = async () => (await relay.upstreams('camera'))[0]?.state === 'publishing';
    await until('the relay publishes again', publishes, 30);
    const before = await segments(playlist).catch(() => 0);
    await until('new segments', async () => (await segments(playlist)) >= before + 3, 20);
    const again = await play(playlist, SECONDS);
    expect(again.errors).toBe('');
    expect(again.frames).toBeGreaterThanOrEqual(FRAMES);

    await publisher.stop();
    await until('the stream is over upstream', async () => relay.output().includes('the stream is over'));
  } catch (error) {
    throw new Error(`${error}\nrelay: ${relay.output()}\nnginx: ${nginx.output()}`, { cause: error });
  } finally {
    await relay.stop();
    await nginx.stop();
  }
});

test('node-media-server gives it out as HTTP-FLV, also to who comes back', async () => {
  const server = await startNodeMediaServer();
  const application = server.publish('').replace(/\/$/, '');
  const relay = await startGateway(application);
  try {
    for (const round of [1, 2]) {
      const publisher = await publishBySocket(FIXTURE, relay.ws('camera'));
      const publishes = async () => (await relay.upstreams('camera'))[0]?.state === 'publishing';
      await until(`the relay publishes, round ${round}`, publishes);
      await flows(server.http('camera'));
      expect(await tracks(server.http('camera'))).toEqual(TRACKS);
      const played = await play(server.http('camera'), SECONDS);
      expect(played.errors).toBe('');
      expect(played.frames).toBeGreaterThanOrEqual(FRAMES);
      await publisher.stop();
      await until('the stream is over', async () => (await relay.upstreams('camera')).length === 0);
    }
  } catch (error) {
    throw new Error(`${error}\nrelay: ${relay.output()}\nserver: ${server.output()}`, { cause: error });
  } finally {
    await relay.stop();
    await server.stop();
  }
});
