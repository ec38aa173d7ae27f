/** Servers of HLS that go wrong: each fault is a recovery, or an error that names it (docs/api.md). */
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import path from 'node:path';
import { type Asked, Folder, type Spoil } from './harness/folder.js';
import { recording } from './harness/recordings.js';
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';
import { sliding } from './harness/window.js';

type Answer = (response: http.ServerResponse, asked: Asked) => void;

/** What is answered for names that match. */
function at(pattern: RegExp, answer: Answer): Spoil {
  return (asked, response) => {
    if (!pattern.test(asked.name)) return false;
    answer(response, asked);
    return true;
  };
}

const status =
  (code: number): Answer =>
  response =>
    void response.writeHead(code).end();

/** Lines without end: a playlist as it should be, that goes on and on. */
const endless: Answer = response => {
  response.write('#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n');
  const lines = '#EXTINF:4,\nts/index0.ts\n'.repeat(40_000);
  const more = () => {
    while (!response.destroyed && response.write(lines));
  };
  response.on('drain', more);
  more();
};

/** The segment's own bytes, as far as they come: the browser may give them out or not. */
const half: Answer = response => {
  const segment = readFileSync(path.join(recording('brisk/index.m3u8'), 'brisk/index3.ts'));
  response.writeHead(200, { 'content-length': segment.length });
  response.write(segment.subarray(0, 188 * 20), () => response.destroy());
};

const HTML = '<!doctype html><html><body><h1>Sign in</h1></body></html>';

interface Fault {
  spoil: Spoil;
  of?: 'aes/index.m3u8';
  code: number;
}

const FATAL: Record<string, Fault> = {
  'a page in place of a playlist': { spoil: at(/m3u8$/, response => void response.end(HTML)), code: 2001 },
  'a playlist that is refused': { spoil: at(/m3u8$/, status(403)), code: 1001 },
  'a playlist without end': { spoil: at(/m3u8$/, endless), code: 2006 },
  'a playlist with a value that is none': {
    spoil: at(/m3u8$/, response => void response.end('#EXTM3U\n#EXT-X-TARGETDURATION:four\n')),
    code: 2006,
  },
  'a key that is refused': { of: 'aes/index.m3u8', spoil: at(/key\.bin$/, status(403)), code: 1009 },
  'a wrong key': {
    of: 'aes/index.m3u8',
    spoil: at(/key\.bin$/, response => void response.end(Buffer.alloc(16, 7))),
    code: 2007,
  },
  'pages in place of all segments': { spoil: at(/ts$/, response => void response.end(HTML)), code: 2001 },
};

test('what cannot be played is one error that names it', async ({ stage }) => {
  stage.allow(/Failed to load resource/);
  await stage.open();
  await stage.page.evaluate(() => globalThis.stage.make({ muted: true }));
  for (const [name, { spoil, of = 'ts/index.m3u8', code }] of Object.entries(FATAL)) {
    await test.step(name, async () => {
      const folder = await Folder.start(recording(of), spoil);
      const before = (await stage.events('error')).length;
      await stage.load(folder.url(of));
      const fatal = async () =>
        (await stage.events('error')).slice(before).filter(({ detail }) => detail.fatal);
      await expect.poll(async () => (await fatal()).length, { message: name, timeout: 20_000 }).toBe(1);
      expect((await fatal())[0]?.detail, name).toMatchObject({ code, isError: true });
      expect(await act(stage, player => player.state)).toBe('failed');
      expect(folder.open, 'requests that nobody waits for').toBe(0);
      await folder.stop();
    });
  }
});

interface Recovered {
  spoil: Spoil;
  /** Seconds of the recording that may be missing. */
  lost?: number;
  code?: number;
}

/** In the third second of a recording in segments of one. */
const RECOVERED: Record<string, Recovered> = {
  'a segment that breaks off once': {
    spoil: (asked, response) => asked.before === 0 && at(/index3\.ts$/, half)(asked, response),
  },
  'a segment whose server is overloaded once': {
    spoil: (asked, response) => asked.before === 0 && at(/index3\.ts$/, status(503))(asked, response),
  },
  'a segment that is missing once': {
    spoil: (asked, response) => asked.before === 0 && at(/index3\.ts$/, status(404))(asked, response),
  },
  'a segment that is missing': { spoil: at(/index3\.ts$/, status(404)), lost: 1, code: 1010 },
  'a page in place of a segment': {
    spoil: at(/index3\.ts$/, response => void response.end(HTML)),
    lost: 1,
    code: 2003,
  },
};

test('what is missing of a stream does not end it', async ({ stage }) => {
  stage.allow(/Failed to load resource/);
  await stage.open();
  await stage.page.evaluate(() => globalThis.stage.make({ muted: true, playbackRate: 2 }));
  for (const [name, { spoil, lost = 0, code }] of Object.entries(RECOVERED)) {
    await test.step(name, async () => {
      const folder = await Folder.start(recording('brisk/index.m3u8'), spoil);
      const before = (await stage.events('error')).length;
      await stage.load(folder.url('brisk/index.m3u8'));
      const time = () => act(stage, ({ state, currentTime }) => (state === 'playing' ? currentTime : 0));
      await expect.poll(time, { message: name, timeout: 20_000 }).toBeGreaterThan(6);
      const errors = (await stage.events('error'))
        .slice(before)
        .map(({ detail }) => [detail.code, detail.fatal]);
      expect(errors, name).toEqual(code === undefined ? [] : [[code, false]]);
      expect((await stage.stats()).framesRendered, name).toBeGreaterThan((6 - lost) * 30 * 0.7);
      await folder.stop();
    });
  }
});

test('a live playlist that does not change any more: 1008', async ({ stage }) => {
  test.setTimeout(120_000);
  const folder = await Folder.start(recording('brisk/index.m3u8'), sliding({ stops: 3 }));
  try {
    await stage.open();
    await stage.play(folder.url('brisk.live.m3u8'), { muted: true });
    await stage.event('playing');
    const { detail } = await stage.event('error', { seconds: 90 });
    expect(detail).toMatchObject({ code: 1008, fatal: true });
    expect(await stage.events('waiting'), 'a stall before').toHaveLength(1);
  } finally {
    await folder.stop();
  }
});

test('an origin that answers blocking reloads at once: 1012, and it plays on', async ({ stage, servers }) => {
  await servers.stream('relay', 'counter-av');
  const origin = servers.relay.url.replace(/\/$/, '');
  // Directives are lost on the way, as behind a cache that leaves out the query.
  const folder = await Folder.start(recording('brisk.flv'), ({ name }, response) => {
    void fetch(`${origin}/${name}`).then(async answer => {
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    return true;
  });
  try {
    await stage.open();
    await stage.play(folder.url('live/counter-av.m3u8'), { muted: true });
    await stage.event('playing', { seconds: 15 });
    const { detail } = await stage.event('error', { seconds: 30 });
    expect(detail).toMatchObject({ code: 1012, fatal: false });
    // It stands until it is as far behind the edge as plain HLS is played.
    const before = await act(stage, player => player.currentTime);
    const asked = folder.asked.length;
    await stage.wait(12);
    expect(await act(stage, player => player.currentTime)).toBeGreaterThan(before + 5);
    expect(folder.asked.length - asked, 'requests in 12 s').toBeLessThan(40);
    expect(await stage.events('error')).toHaveLength(1);
  } finally {
    await folder.stop();
  }
});
