/**
 * The same by software decoders: WebGL draws their planes itself, within 2 levels without any GPU; the other renderers get
 * `VideoFrame`s, which the browser converts as it does its own (colours.spec.ts).
 */
import { createReadStream } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { FIXTURES } from '../interop/ffmpeg.js';
import { expectColours, patchesOf } from './harness/card.js';
import type { Fixture } from './harness/servers.js';
import { expect, test } from './harness/test.js';

/** Of those that libyuv converts: red and green, and blue. */
const CARDS: [Fixture, tolerance: [number, number]][] = [
  ['card', [2, 10]],
  ['card-601-full', [2, 2]],
  ['card-709-full', [2, 2]],
  ['card-unsaid', [2, 2]],
];

for (const [fixture, tolerance] of CARDS) {
  for (const renderer of ['track', 'canvas', 'webgl'] as const) {
    test(`in software: colours of ${fixture} by ${renderer}`, async ({ stage, servers }) => {
      const { http } = await servers.stream('relay', fixture);
      const seen = await patchesOf(stage, http, { renderer, decoder: 'wasm' });
      expect((await stage.stats()).videoDecoder).toBe('wasm');
      expectColours(seen, renderer === 'webgl' ? [2, 2] : tolerance);
    });
  }
}

for (const renderer of ['canvas', 'webgl'] as const) {
  test(`in software: colours of H.265 with 10 bits and BT.2020's primaries by ${renderer}`, async ({
    stage,
  }) => {
    const server = await serve('card-hevc-10');
    try {
      const seen = await patchesOf(stage, server.url, { renderer, decoder: 'wasm' });
      expect((await stage.stats()).videoDecoder).toBe('wasm');
      expectColours(seen, renderer === 'webgl' ? [2, 2] : [4, 14]);
    } finally {
      await server.stop();
    }
  });
}

/** A file as a stream that brings no more and does not end: the ffmpeg that publishes cannot read all of them. */
async function serve(fixture: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'video/x-flv', 'Access-Control-Allow-Origin': '*' });
    createReadStream(`${FIXTURES}${fixture}.flv`).pipe(response, { end: false });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${fixture}.flv`,
    stop: () => {
      server.closeAllConnections();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}

test('in software: colours without VideoFrame, where WebGL is the processor’s and goes unused', async ({
  stage,
  servers,
}) => {
  const none = 'delete globalThis.VideoFrame;';
  await stage.page.addInitScript(none);
  await stage.page.route('**/worker.js', async route => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${none}\n${await response.text()}` });
  });
  const { http } = await servers.stream('relay', 'card');
  expectColours(await patchesOf(stage, http, { renderer: 'canvas', decoder: 'wasm' }), [2, 2]);
});
