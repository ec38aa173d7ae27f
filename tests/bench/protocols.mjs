#!/usr/bin/env node
/**
 * The same channel by every protocol, and by other players: `npm run bench protocols -- [options]`, after `npm run build` and
 * `cargo build -p sailcast-relay`.
 *
 *     --protocols ll-hls,mp4    which (PROTOCOLS); default: all, about 6 minutes
 *     --players sailcast,hlsjs  which of the players that take them
 *     --reps 2                  how often
 *     --seconds 3               how long CPU is measured
 *     --calm 10                 wait up to so many seconds for other work to end before each repetition
 *     --write                   put the tables into docs/performance.md
 *
 * A player keeps its browser, with its files in the cache, and has a new page and a new network for each visit. Players take
 * turns within each protocol, and come at the same moment of the GOP.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';
import { Cast } from './cast.mjs';
import { smoothness } from './figures.mjs';
import { startOrigin } from './origin.mjs';
import { measureCpu } from './process.mjs';
import { reportProtocols } from './protocol-report.mjs';
import { serve } from './server.mjs';
import { calm, PHASES, sleep } from './session.mjs';
import { startViewer } from './viewer.mjs';

const HLS_PLAYERS = ['sailcast', 'hlsjs', 'shaka'];
const FILE_PLAYERS = ['sailcast', 'native'];
/** `talk`: what is said of the protocol's latency where it is taught. */
const PROTOCOLS = {
  'http-flv': { title: 'HTTP-FLV', talk: '1-3 s', path: 'live/bench.flv', players: ['sailcast'] },
  'ws-flv': { title: 'WS-FLV', talk: '1-3 s', path: 'live/bench.flv', players: ['sailcast'], scheme: 'ws' },
  'll-hls': { title: 'LL-HLS', talk: '', path: 'live/bench.m3u8', players: HLS_PLAYERS },
  'hls-ts': { title: 'HLS, MPEG-TS', talk: '8-10 s', path: 'live/bench.ts.m3u8', players: HLS_PLAYERS },
  'hls-fmp4': {
    title: "HLS, fMP4 (ffmpeg's)",
    talk: '8-10 s',
    path: 'ffmpeg/list.m3u8',
    players: HLS_PLAYERS,
    server: 'files',
  },
  mp4: {
    title: 'MP4, `moov` first',
    talk: 'fast',
    path: 'first.mp4',
    players: FILE_PLAYERS,
    server: 'files',
    recorded: true,
  },
  flv: {
    title: 'FLV, recorded',
    talk: 'fast',
    path: 'film.flv',
    players: ['sailcast'],
    server: 'files',
    recorded: true,
  },
  take: {
    title: "MP4, the relay's recording",
    talk: 'fast',
    path: 'take.mp4',
    players: FILE_PLAYERS,
    server: 'files',
    recorded: true,
  },
};
const LOOPBACK = {};
const FAR = { rtt: 50, bandwidth: 8000 };

const TENTH = 9;
/** It comes so soon after the first. */
const TENTH_MS = 1_000;
const BEFORE_CLICK_MS = 400;
const GIVE_UP_MS = 12_000;
/** A screencast runs so long from the click, at least. */
const START_MS = 2_500;
/** CPU is measured without one, and then another one tells the latency. */
const LATENCY_MS = 1_500;

const { values: options } = parseArgs({
  options: {
    protocols: { type: 'string', default: Object.keys(PROTOCOLS).join() },
    players: { type: 'string', default: [...HLS_PLAYERS, 'native'].join() },
    reps: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '3' },
    calm: { type: 'string', default: '10' },
    write: { type: 'boolean', default: false },
  },
});

/** Plays, and waits for the first picture. */
async function begin(page, url, settings, phase) {
  const cast = await Cast.start(page);
  await sleep(BEFORE_CLICK_MS);
  await server.live.reaches(phase);
  const clicked = await page.evaluate(
    ([url, settings]) => globalThis.bench.play([url], settings),
    [url, settings],
  );
  for (const until = Date.now() + GIVE_UP_MS; Date.now() < until && !cast.shown().length; ) await sleep(100);
  return { clicked, cast };
}

/** What it is like once it plays; `first`: when the first picture was shown. */
async function staying(page, pid, { clicked, cast }, first, recorded) {
  await sleep(Math.max(clicked + START_MS, first + TENTH_MS) - Date.now());
  const takenAt = (number, at) => server.live.takenAt(number, at);
  const shown = await cast.stop();
  const start = smoothness(shown, first, Math.max(first, Date.now() - 50), takenAt);
  const from = Date.now();
  const stop = measureCpu(pid);
  await sleep(options.seconds * 1000);
  const { cpu, other } = stop();
  const took = Date.now() - from;
  const again = await Cast.start(page);
  const seen = Date.now() + 100;
  await sleep(LATENCY_MS);
  const later = smoothness(await again.stop(), seen, Date.now() - 50, takenAt);
  return {
    tenth: shown[TENTH] ? shown[TENTH].at - clicked : null,
    latency: recorded ? null : later.latency,
    stalls: start.stalls + later.stalls,
    fps: later.fps,
    cpu: (cpu * 60_000) / took,
    other: (other * 1000) / took,
  };
}

/** One viewer from the click on. */
async function visit(player, protocol, network, phase, stays) {
  const { browser, name, settings } = player;
  const viewer = await startViewer(origin.ports[protocol.server ?? 'relay'], network);
  const page = await browser.open(server.page, name);
  try {
    const url = `${protocol.scheme ?? 'http'}://${viewer.origin}/${protocol.path}`;
    const begun = await begin(page, url, settings, phase);
    const first = begun.cast.shown()[0]?.at;
    const figures = { first: first ? first - begun.clicked : null, ...viewer.until(first ?? Date.now()) };
    if (stays && first)
      Object.assign(figures, await staying(page, browser.pid, begun, first, protocol.recorded));
    else await begun.cast.stop();
    const errors = await page.evaluate(() => globalThis.bench.errors);
    return { figures, errors };
  } finally {
    await page.evaluate(() => globalThis.bench.end()).catch(() => {});
    await page.close();
    viewer.close();
  }
}

async function openPlayer(name) {
  const { settings } = await import(`./players/${name}.mjs`);
  return { name, settings: settings[''], browser: await launch() };
}

const named = options.players.split(',');
const plan = options.protocols.split(',').flatMap(id => {
  const protocol = PROTOCOLS[id];
  if (!protocol) throw new Error(`no protocol ${id}`);
  const players = protocol.players.filter(player => named.includes(player));
  return players.map(player => ({ protocol, player }));
});
const server = await serve();
const origin = await startOrigin(server.live);
const players = new Map();
for (const name of new Set(plan.map(({ player }) => player))) players.set(name, await openPlayer(name));
const results = [];
// Once for the browser's caches, which is not counted.
for (const [name, player] of players) {
  const { protocol } = plan.find(({ player }) => player === name);
  await visit(player, protocol, LOOPBACK, PHASES[0], false);
}
for (let repetition = 0; repetition < options.reps; repetition++) {
  await calm(os.cpus().length, Number(options.calm));
  for (const { protocol, player } of plan) {
    const phase = PHASES[repetition % PHASES.length];
    const near = await visit(players.get(player), protocol, LOOPBACK, phase, false);
    const far = await visit(players.get(player), protocol, FAR, phase, true);
    const figures = { ...far.figures, near: near.figures.first };
    results.push({ protocol, player, repetition, figures });
    const told = Object.entries(figures).map(([name, value]) => `${name} ${value?.toFixed(1) ?? '-'}`);
    console.error(`${protocol.title} ${player} #${repetition + 1}: ${told.join(', ')}`);
    for (const error of new Set([...near.errors, ...far.errors])) console.error(`  error: ${error}`);
  }
}
const version = [...players.values()][0].browser.version;
for (const { browser } of players.values()) await browser.close();
await origin.close();
server.close();
reportProtocols(results, version, options.write);
// What was given up on may still be waiting.
process.exit();
