#!/usr/bin/env node
/**
 * What publishing costs, and how long a picture is on its way, in Chromium on this machine: `node tests/bench/publish.mjs`, after
 * `npm run build` and `cargo build -p sailcast-relay`.
 *
 *     --seconds 20    how long each measurement
 *     --reps 2        how often
 *     --calm 30       wait up to so many seconds for other work to end before each
 *     --write         put the tables into docs/performance.md
 *
 * The camera is a file of raw pictures, which costs nothing to decode, at 1280 x 720 and 30 a second; the page asks it for what it
 * publishes. The relay is not counted.
 */
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { deviceFlags, rawCameraFile } from '../fixtures/devices.mjs';
import { FLAGS, launch } from './browser.mjs';
import { Cast } from './cast.mjs';
import { quantile } from './figures.mjs';
import { cell, table, writeBetween } from './markdown.mjs';
import { measureCpu } from './process.mjs';
import { startRelay } from './relay.mjs';
import { calm, sleep } from './session.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DIST = process.env.SAILCAST_DIST ?? path.join(root, 'dist');
const SETTLE_MS = 8_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    reps: { type: 'string', default: '2' },
    calm: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
  },
});

const LARGE = { resolution: 720, fps: 24, bitrate: 1_000_000 };
/** What is published, by name; null: camera and microphone are open and shown, and nothing is published. */
const RUNS = {
  'camera, microphone and preview alone, 504P15': null,
  '504P15, AAC': {},
  '504P15, Opus': { audio: { codec: 'opus' } },
  '504P15, no sound': { sound: false },
  'camera, microphone and preview alone, 720P24': { video: LARGE, idle: true },
  '720P24, AAC': { video: LARGE },
};

async function studio(browser, relay) {
  const page = await browser.context.newPage();
  await page.goto(`${relay.url}publish.html`);
  await page.waitForFunction(() => globalThis.studio !== undefined);
  return page;
}

/** Seconds of CPU a minute, of all the browser's processes. */
async function during(pid, ms) {
  const begin = Date.now();
  const stop = measureCpu(pid);
  await sleep(ms);
  return (stop().cpu * 60_000) / (Date.now() - begin);
}

async function cost(relay, wanted) {
  const { sound = true, idle = wanted === null, ...config } = wanted ?? {};
  const browser = await launch(deviceFlags(rawCameraFile()));
  try {
    const page = await studio(browser, relay);
    await sleep(2_000);
    const before = await during(browser.pid, 4_000);
    await page.evaluate(
      async ([url, config, sound, idle]) => {
        const { studio } = globalThis;
        studio.make({ config, audio: sound ? 'microphone' : 'none' });
        if (idle) await studio.publisher.prepare();
        else await studio.publisher.start(url);
      },
      [`${relay.url}live/bench`, config, sound, idle],
    );
    await sleep(SETTLE_MS);
    const cpu = (await during(browser.pid, options.seconds * 1000)) - before;
    const { encodedFps, sentBitrate, encodeTime } = await page.evaluate(() =>
      globalThis.studio.publisher.stats(),
    );
    return { cpu, before, fps: encodedFps, kbits: sentBitrate / 1000, encode: encodeTime * 1000 };
  } finally {
    await browser.close();
  }
}

/** ms from drawing a number on a picture that is published until the compositor shows it in the player. */
async function delay(relay) {
  // Playwright's own keeps both pages in sight: the timer that draws must not be slowed down.
  const executablePath = process.env.SAILCAST_CHROMIUM ?? '/usr/bin/chromium';
  const args = [...FLAGS, ...deviceFlags()];
  const browser = await chromium.launch({ executablePath, args, ignoreDefaultArgs: ['--mute-audio'] });
  try {
    const context = await browser.newContext({ viewport: { width: 640, height: 360 } });
    const page = await studio({ context }, relay);
    await page.evaluate(async url => {
      const { studio } = globalThis;
      studio.make({ video: { kind: 'stream', stream: studio.clockTrack() } });
      await studio.publisher.start(url);
    }, `${relay.url}live/bench`);
    // The bitrate is on its way up at first.
    await sleep(SETTLE_MS);
    const window = await context.newPage();
    await window.goto(relay.url);
    await window.waitForFunction(() => globalThis.stage !== undefined);
    await window.evaluate(
      url => globalThis.stage.make({ url, autoplay: true }),
      `${relay.url}live/bench.flv`,
    );
    await sleep(SETTLE_MS);
    const cast = await Cast.start(window);
    await sleep(options.seconds * 1000);
    const shown = await cast.stop();
    const drawn = await page.evaluate(() => globalThis.studio.drawn);
    const delays = shown.map(({ at, number }) => at - drawn[number]);
    const { latency } = await window.evaluate(() => globalThis.stage.players[0].stats());
    return {
      p50: quantile(delays, 0.5),
      p95: quantile(delays, 0.95),
      pictures: delays.length / options.seconds,
      latency: latency * 1000,
    };
  } finally {
    await browser.close();
  }
}

/** A row for each name of `results`, a column for each figure that `columns` names. */
function figures(first, columns, results) {
  const rows = [...results].map(([name, runs]) => [
    name,
    ...Object.keys(columns).map(column => cell(runs.map(run => run[column]))),
  ]);
  return table([first, ...Object.values(columns)], rows);
}

const pages = ['--serve', `/=${path.join(root, 'tests/browser/page')}`, '--serve', `/dist=${DIST}`];
const relay = await startRelay(pages);
const [costs, delays] = [new Map(), new Map()];
const note = (results, name, run) => {
  results.set(name, [...(results.get(name) ?? []), run]);
  console.error(name, JSON.stringify(run));
};
let version = '';
for (let repetition = 0; repetition < options.reps; repetition++) {
  for (const [name, wanted] of Object.entries(RUNS)) {
    await calm(os.cpus().length, Number(options.calm));
    note(costs, name, await cost(relay, wanted));
  }
  await calm(os.cpus().length, Number(options.calm));
  note(delays, '504P15', await delay(relay));
}
const browser = await launch();
version = browser.version;
await browser.close();
await relay.end();

const conditions = [
  `Taken on ${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} × ${os.cpus()[0].model.trim()},`,
  `Chromium ${version} without GPU, software encoders. Median [least, most] of ${options.reps}.`,
].join('\n');
const costColumns = {
  cpu: 'CPU, s a minute (the idle page subtracted)',
  before: 'idle page',
  fps: 'pictures a second',
  kbits: 'kbit/s',
  encode: 'from capture to encoded, ms',
};
const delayColumns = {
  p50: 'p50, ms',
  p95: 'p95, ms',
  latency: "of it the player's, ms",
  pictures: 'pictures seen a second',
};
const report = [
  conditions,
  figures('published', costColumns, costs),
  figures('glass to glass', delayColumns, delays),
].join('\n\n');
console.log(report);
if (options.write) writeBetween('publish bench', report);
process.exit();
