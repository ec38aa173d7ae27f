/** What the browser takes away from a player, its decoder or its canvas: the picture comes back, and it is no error. */
import { expectInOrder, ROUND, within } from './harness/measures.js';
import { readCounter, Screencast, snapshot } from './harness/pictures.js';
import type { Stage } from './harness/stage.js';
import { expect, test } from './harness/test.js';

interface Taken {
  /** Takes the newest video decoder away, with an error of this name. */
  decoder(name: string): void;
  /** The canvas loses its context, or its pixels, and has it again. */
  lose(): void;
  restore(): void;
}

/** Runs in the worker before its own script. */
function prepare() {
  let take = (_: string) => {};
  const Native = VideoDecoder;
  globalThis.VideoDecoder = class extends Native {
    constructor(init: VideoDecoderInit) {
      super(init);
      take = name => {
        this.close();
        init.error(new DOMException('Codec reclaimed due to inactivity.', name));
      };
    }
  };
  let canvas: OffscreenCanvas | undefined;
  let context: OffscreenCanvasRenderingContext2D | undefined;
  const get = OffscreenCanvas.prototype.getContext as (...args: unknown[]) => unknown;
  OffscreenCanvas.prototype.getContext = function (this: OffscreenCanvas, ...args: unknown[]) {
    const given = get.apply(this, args);
    canvas = this;
    context = given as OffscreenCanvasRenderingContext2D;
    return given;
  } as never;
  (globalThis as unknown as { taken: Taken }).taken = {
    decoder: name => take(name),
    lose() {
      context?.fillRect(0, 0, 10_000, 10_000);
      canvas?.dispatchEvent(new Event('contextlost', { cancelable: true }));
    },
    restore: () => canvas?.dispatchEvent(new Event('contextrestored')),
  };
}

/** Streams come from the page's own origin: requests to others fail while Playwright looks at them. */
async function open(stage: Stage): Promise<void> {
  await stage.page.route('**/internal/worker.js', async route => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(${prepare})();\n${await response.text()}` });
  });
  await stage.open();
}

function inWorker(stage: Stage, what: 'reclaim' | 'fail' | 'lose' | 'restore'): Promise<void> | undefined {
  return stage.page.workers()[0]?.evaluate(what => {
    const { taken } = globalThis as unknown as { taken: Taken };
    if (what === 'reclaim') taken.decoder('QuotaExceededError');
    else if (what === 'fail') taken.decoder('EncodingError');
    else taken[what]();
  }, what);
}

for (const [what, name] of [
  ['reclaim', 'the browser reclaims the decoder'],
  ['fail', 'the decoder fails'],
] as const) {
  test(name, async ({ stage, servers }) => {
    const live = await servers.stream('relay', 'counter-av');
    await open(stage);
    const cast = await Screencast.start(stage.page);
    await stage.play(live.http);
    await stage.event('playing');
    await stage.wait(1.5);
    // More often than a stream may fail in a row.
    for (let i = 0; i < 4; i++) {
      await inWorker(stage, what);
      await stage.wait(2.5);
    }
    const taken = Date.now();
    await stage.wait(1);
    const { shown, ...rest } = await cast.stop();
    expect(rest.unreadable, 'the last picture stays').toBe(0);
    expectInOrder({ shown: within({ shown, ...rest }, taken - 500), ...rest }, ROUND['counter-av']);
    const longest = Math.max(...shown.slice(1).map((picture, i) => picture.at - (shown[i]?.at ?? 0)));
    expect(longest, 'at most a GOP without a new picture').toBeLessThan(2600);
    const errors = (await stage.events('error')).map(({ detail }) => detail);
    if (what === 'reclaim') expect(errors).toEqual([]);
    else for (const error of errors) expect(error.fatal).toBe(false);
    expect((await stage.stats()).reconnects, 'the connection stays').toBe(0);
    expect((await stage.stats()).state).toBe('playing');
  });
}

test('the canvas loses its context', async ({ stage, servers }) => {
  const live = await servers.stream('relay', 'counter-av');
  await open(stage);
  await stage.play(live.http, { renderer: 'canvas' });
  await stage.event('playing');
  await stage.wait(1);
  // While nothing new is drawn, so that the picture that comes back is the one that was kept.
  await stage.page.evaluate(() => globalThis.stage.players[0]?.pause());
  await stage.wait(0.3);
  const counter = async () => readCounter(await snapshot(stage.page));
  const before = await counter();
  expect(before).not.toBeNull();
  await inWorker(stage, 'lose');
  await expect.poll(counter, 'black').toBeNull();
  await inWorker(stage, 'restore');
  await expect.poll(counter).toBe(before);
});
