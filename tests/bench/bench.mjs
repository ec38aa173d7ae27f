#!/usr/bin/env node
/**
 * Sailcast beside other players, in Chromium, on this machine: `npm run bench -- [options]`, after `npm run build`.
 *
 *     --cases first-frame,latency,...   which measurements (cases/*.mjs); default: all
 *     --players sailcast,mpegts:tight   which players (players/*.mjs), with their settings after a colon
 *     --reps 3 --seconds 20             how often, and how long each
 *     --calm 30                         wait up to so many seconds for other work to end before each
 *     --port 18700                      of the page; default: any
 *     --write                           put the tables into docs/performance.md
 *
 * Players take turns within each repetition, so that what disturbs the machine disturbs all of them. All single results go
 * to results/ as JSON.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureCpu } from './process.mjs';
import { tables, writeReport } from './report.mjs';
import { dist, serve } from './server.mjs';
import { calm, Session } from './session.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const CASES = ['first-frame', 'latency', 'cpu', 'page-blocked', 'sync'];
const PLAYERS = ['sailcast', 'sailcast:near', 'sailcast:canvas', 'mpegts', 'mpegts:tight', 'mpegts:default'];

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: CASES.join() },
    players: { type: 'string', default: PLAYERS.join() },
    reps: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    calm: { type: 'string', default: '30' },
    port: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

async function findPlayer(id) {
  const [name, variant = ''] = id.split(':');
  const { settings } = await import(`./players/${name}.mjs`);
  if (!settings[variant]) throw new Error(`players/${name}.mjs has no settings "${variant}"`);
  return { id, name, settings: settings[variant] };
}

async function measure(server, kind, player, repetition) {
  await calm(os.cpus().length, Number(options.calm));
  const session = await Session.start(server, player, repetition);
  try {
    const begin = Date.now();
    const stop = measureCpu(session.pid);
    const figures = await kind.run(session, Number(options.seconds));
    const other = stop().other / ((Date.now() - begin) / 1000);
    return { figures, other, browser: session.version, errors: session.errors };
  } finally {
    await session.close();
  }
}

function show({ kind, player, repetition, figures, other, errors }) {
  const rounded = Object.entries(figures).map(([name, value]) => `${name} ${value?.toFixed(1) ?? '-'}`);
  console.error(
    `${kind} ${player} #${repetition + 1}: ${rounded.join(', ')} (other load ${other.toFixed(1)})`,
  );
  for (const error of new Set(errors)) console.error(`  error: ${error}`);
}

if (!existsSync(path.join(dist, 'index.js'))) throw new Error(`${dist} is not built: npm run build`);
const kinds = new Map();
for (const name of options.cases.split(',')) kinds.set(name, await import(`./cases/${name}.mjs`));
const players = await Promise.all(options.players.split(',').map(findPlayer));
const server = await serve(options.port && Number(options.port));
const results = [];
for (const [name, kind] of kinds) {
  for (let repetition = 0; repetition < Number(options.reps); repetition++) {
    for (const player of players) {
      const result = await measure(server, kind, player, repetition);
      results.push({ kind: name, player: player.id, repetition, ...result });
      show(results.at(-1));
    }
  }
}
server.close();

mkdirSync(path.join(here, 'results'), { recursive: true });
const file = path.join(here, 'results', `${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
writeFileSync(file, JSON.stringify(results, null, 1));
console.log(tables(kinds, results));
console.error(`all results: ${path.relative(process.cwd(), file)}`);
if (options.write) writeReport(kinds, results);
