#!/usr/bin/env node
/**
 * Sailcast beside other players, in Chromium, on this machine: `npm run bench -- [options]`, after `npm run build`.
 *
 *     --cases first-frame,latency,...   which measurements (cases/*.mjs); default: PLAN, about 25 minutes
 *     --players sailcast,mpegts:tight   which players (players/*.mjs), with their settings after a colon
 *     --reps 3 --seconds 20             how often, and how long each
 *     --calm 30                         wait up to so many seconds for other work to end before each
 *     --port 18700                      of the page; default: any
 *     --threads                         show CPU by kind of process and thread, seconds a minute, where a case has it
 *     --with results/X.json             tables also of an earlier run, for the cases that are not in this one
 *     --write                           put the tables into docs/performance.md
 *
 * Players take turns within each repetition, so that what disturbs the machine disturbs all of them. All single results go
 * to results/ as JSON.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureCpu } from './process.mjs';
import { tables, writeReport } from './report.mjs';
import { dist, serve } from './server.mjs';
import { calm, Session, sleep } from './session.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

const FEW = ['sailcast', 'sailcast:near', 'mpegts', 'xgplayer'];
const LIVE = [...FEW, 'mpegts:tight', 'flvjs'];
const ALL = [...LIVE, 'mpegts:default'];
/** What is measured when nothing else is said: which players, and how often. */
const PLAN = {
  'first-frame': { players: LIVE, reps: 2 },
  latency: { players: [...ALL, 'sailcast:canvas'], reps: 1 },
  outage: { players: ALL, reps: 1 },
  flaky: { players: LIVE, reps: 1 },
  'page-blocked': { players: [...LIVE, 'sailcast:canvas'], reps: 1 },
  cpu: { players: [...FEW, 'sailcast:far', 'flvjs', 'sailcast:canvas'], reps: 2 },
  sync: { players: [...FEW, 'flvjs'], reps: 1 },
  'grid-4': { players: FEW, reps: 1 },
  'grid-9': { players: FEW, reps: 1 },
};
/** A measurement that takes longer hangs. */
const TIMEOUT_MS = 180_000;

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: Object.keys(PLAN).join() },
    players: { type: 'string' },
    reps: { type: 'string' },
    seconds: { type: 'string' },
    calm: { type: 'string', default: '30' },
    port: { type: 'string' },
    threads: { type: 'boolean', default: false },
    with: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

async function findPlayer(id) {
  const [name, variant = ''] = id.split(':');
  const { settings } = await import(`./players/${name}.mjs`);
  if (!settings[variant]) throw new Error(`players/${name}.mjs has no settings "${variant}"`);
  return { id, name, settings: settings[variant] };
}

/** `{ figures, threads, other, browser, errors }`; no figures when it failed. */
async function measure(server, kind, player, repetition) {
  await calm(os.cpus().length, Number(options.calm));
  const session = await Session.start(server, player, repetition);
  const failed = sleep(TIMEOUT_MS).then(() => ({ failed: 'it takes too long' }));
  try {
    const begin = Date.now();
    const stop = measureCpu(session.pid);
    const run = kind.run(session, Number(options.seconds ?? kind.seconds));
    const { threads, failed: why, ...figures } = await Promise.race([run, failed]);
    const other = stop().other / ((Date.now() - begin) / 1000);
    const errors = why ? [why] : await session.errors();
    return { figures, threads, other, browser: session.version, errors };
  } catch (error) {
    return { figures: {}, other: null, browser: session.version, errors: [String(error)] };
  } finally {
    await session.close();
  }
}

function show({ kind, player, repetition, figures, threads, other, errors }) {
  const rounded = Object.entries(figures).map(([name, value]) => `${name} ${value?.toFixed(1) ?? '-'}`);
  console.error(
    `${kind} ${player} #${repetition + 1}: ${rounded.join(', ')} (other load ${other?.toFixed(1) ?? '-'})`,
  );
  for (const [name, cpu] of Object.entries((options.threads && threads) || {}))
    console.error(`  ${cpu.toFixed(1).padStart(6)} ${name}`);
  for (const error of new Set(errors)) console.error(`  error: ${error}`);
}

if (!existsSync(path.join(dist, 'index.js'))) throw new Error(`${dist} is not built: npm run build`);
const names = options.cases.split(',');
const earlier = options.with ? JSON.parse(readFileSync(options.with, 'utf8')) : [];
const results = earlier.filter(({ kind }) => !names.includes(kind));
const kinds = new Map();
for (const name of new Set([...Object.keys(PLAN), ...names]))
  if (names.includes(name) || results.some(({ kind }) => kind === name))
    kinds.set(name, await import(`./cases/${name}.mjs`));
const plan = await Promise.all(
  names.map(async name => {
    const { players, reps } = PLAN[name] ?? { players: LIVE, reps: 1 };
    const chosen = options.players?.split(',') ?? players;
    return { name, reps: Number(options.reps ?? reps), players: await Promise.all(chosen.map(findPlayer)) };
  }),
);

mkdirSync(path.join(here, 'results'), { recursive: true });
const file = path.join(here, 'results', `${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
const server = await serve(options.port && Number(options.port));
for (const { name, reps, players } of plan) {
  for (let repetition = 0; repetition < reps; repetition++) {
    for (const player of players) {
      const result = await measure(server, kinds.get(name), player, repetition);
      results.push({ kind: name, player: player.id, repetition, ...result });
      show(results.at(-1));
      writeFileSync(file, JSON.stringify(results, null, 1));
    }
  }
}
server.close();

console.log(tables(kinds, results));
console.error(`all results: ${path.relative(process.cwd(), file)}`);
if (options.write) writeReport(kinds, results);
// What was given up on may still be waiting.
process.exit();
