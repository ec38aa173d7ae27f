/** What protocols.mjs measured as two tables: our player by every protocol, and beside others by the same one. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { median } from './figures.mjs';
import { cell, table, writeBetween } from './markdown.mjs';

const NAMES = { sailcast: 'Sailcast', hlsjs: 'hls.js', shaka: 'Shaka Player', native: '`<video>`' };
/** Whom a ratio is to, the first that there is. */
const PEERS = ['hlsjs', 'native'];

const version = name =>
  JSON.parse(readFileSync(new URL(`../../${name}package.json`, import.meta.url), 'utf8')).version;

/** By protocol, in the order measured. */
function byProtocol(results) {
  const groups = new Map();
  for (const result of results) groups.set(result.protocol, [...(groups.get(result.protocol) ?? []), result]);
  return groups;
}

const figure = (runs, name, { scale = 1, absent } = {}) =>
  cell(
    runs.map(({ figures }) => (figures[name] ?? Number.NaN) / scale),
    absent,
  );
const first = (runs, name) => figure(runs, name, { absent: 'none in 12 s' });
const kibibytes = runs => figure(runs, 'bytes', { scale: 1024 });

function protocols(results) {
  const head = [
    'our player by',
    'said of its latency',
    'latency p50, ms',
    'first picture, loopback, ms',
    'first picture, RTT 50, ms',
    'tenth, RTT 50, ms',
    'requests before the first',
    'KiB',
  ];
  const rows = [...byProtocol(results.filter(({ player }) => player === 'sailcast'))].map(
    ([{ title, talk, recorded }, runs]) => [
      title,
      talk,
      recorded ? 'recorded' : figure(runs, 'latency'),
      first(runs, 'near'),
      first(runs, 'first'),
      figure(runs, 'tenth'),
      figure(runs, 'requests'),
      kibibytes(runs),
    ],
  );
  return table(head, rows, 2);
}

/** Within a repetition, where both ran one after the other on the same machine in the same mood. */
function ratio(runs, peers, name) {
  const ratios = runs.map(({ repetition, figures }) => {
    const peer = peers.find(run => run.repetition === repetition);
    return (figures[name] ?? Number.NaN) / (peer?.figures[name] ?? Number.NaN);
  });
  return median(ratios)?.toFixed(2) ?? '–';
}

function beside(results) {
  const head = [
    '',
    'player',
    'first, RTT 50 ÷',
    'tenth ÷',
    'latency ÷',
    'CPU ÷',
    'first picture, loopback, ms',
    'first picture, RTT 50, ms',
    'tenth, RTT 50, ms',
    'latency p50, ms',
    'stalls',
    'pictures a second',
    'CPU, s a minute',
    'requests before the first',
    'KiB',
    'other load, cores',
  ];
  const rows = [...byProtocol(results)].flatMap(([{ title, recorded }, all]) => {
    const of = player => all.filter(run => run.player === player);
    const peers = PEERS.map(of).find(runs => runs.length > 0);
    if (!peers) return [];
    return [...new Set(all.map(({ player }) => player))].map(player => {
      const runs = of(player);
      return [
        title,
        NAMES[player],
        ...['first', 'tenth', 'latency', 'cpu'].map(name => ratio(runs, peers, name)),
        first(runs, 'near'),
        first(runs, 'first'),
        figure(runs, 'tenth'),
        recorded ? 'recorded' : figure(runs, 'latency'),
        ...['stalls', 'fps', 'cpu', 'requests'].map(name => figure(runs, name)),
        kibibytes(runs),
        figure(runs, 'other'),
      ];
    });
  });
  return table(head, rows, 2);
}

export function reportProtocols(results, chromium, write) {
  const peers = ['hls.js', 'shaka-player'].map(name => `${name} ${version(`node_modules/${name}/`)}`);
  const conditions = [
    `Taken on ${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} × ${os.cpus()[0].model.trim()},`,
    `Chromium ${chromium} without GPU, Sailcast ${version('')}, ${peers.join(', ')}.`,
    'Median [least, most] of the repetitions; ÷ is by hls.js, of MP4 by `<video>`.',
  ].join('\n');
  const report = [conditions, protocols(results), beside(results)].join('\n\n');
  console.log(report);
  if (write) writeBetween('protocol bench', report);
}
