/**
 * Results as Markdown tables: median and range of the repetitions, and each player's key figure as a ratio to the peer's.
 *
 * Ratios are taken within a repetition, where both players ran one after the other on the same machine in the same mood.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './figures.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const DOCUMENT = path.join(root, 'docs', 'performance.md');
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->'];
/** The player that the others are compared with. */
const PEER = 'mpegts';
const PEERS = ['mpegts.js', 'flv.js', 'xgplayer', 'xgplayer-flv'];

/** Three figures at least, no decimals from 100 on. */
function number(value) {
  return value.toFixed(Math.abs(value) < 100 ? 1 : 0);
}

/** `absent` says what a missing figure means. */
function cell(values, absent = '–') {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return absent;
  const missing = values.length > known.length ? ` (${values.length - known.length} × ${absent})` : '';
  if (known.length === 1) return number(known[0]) + missing;
  return `${number(median(known))} [${number(Math.min(...known))}, ${number(Math.max(...known))}]${missing}`;
}

function ratio(results, player, key) {
  const ratios = results
    .filter(result => result.player === player)
    .map(({ repetition, figures }) => {
      const peer = results.find(result => result.player === PEER && result.repetition === repetition);
      return (figures[key] ?? Number.NaN) / (peer?.figures[key] ?? Number.NaN);
    });
  return median(ratios)?.toFixed(2) ?? '–';
}

function table({ title, columns, key, absent }, results) {
  const players = [...new Set(results.map(result => result.player))];
  const names = Object.keys(columns);
  const head = [
    '',
    ...(key ? [`${columns[key]} ÷ ${PEER}`] : []),
    ...Object.values(columns),
    'other load, cores',
  ];
  const rows = players.map(player => {
    const own = results.filter(result => result.player === player);
    const cells = names.map(name =>
      cell(
        own.map(({ figures }) => figures[name]),
        absent,
      ),
    );
    return [
      player,
      ...(key ? [ratio(results, player, key)] : []),
      ...cells,
      cell(own.map(({ other }) => other)),
    ];
  });
  const lines = [head, head.map((_, i) => (i ? '--:' : '---')), ...rows].map(row => `| ${row.join(' | ')} |`);
  return [`### ${title}`, '', ...lines].join('\n');
}

/** All tables; `kinds` are the cases by name. */
export function tables(kinds, results) {
  return [...kinds]
    .map(([name, kind]) =>
      table(
        kind,
        results.filter(result => result.kind === name),
      ),
    )
    .join('\n\n');
}

/** Replaces what is between the marks of docs/performance.md. */
export function writeReport(kinds, results) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest.split(END)[1];
  writeFileSync(
    DOCUMENT,
    [before, BEGIN, '\n\n', conditions(results), '\n\n', tables(kinds, results), '\n\n', END, after].join(''),
  );
}

function conditions(results) {
  const version = name => JSON.parse(readFileSync(path.join(root, name, 'package.json'), 'utf8')).version;
  const peers = PEERS.map(name => `${name} ${version(`node_modules/${name}`)}`);
  return [
    `Taken on ${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} × ${os.cpus()[0].model.trim()},`,
    `Chromium ${results[0].browser} without GPU, Sailcast ${version('.')}, ${peers.join(', ')}.`,
    'Median [least, most] where there are several repetitions.',
  ].join('\n');
}
