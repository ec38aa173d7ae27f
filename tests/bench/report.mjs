/**
 * Results as Markdown tables: median and range of the repetitions, and each player's key figure as a ratio to the peer's.
 *
 * Ratios are taken within a repetition, where both players ran one after the other on the same machine in the same mood.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './figures.mjs';
import { cell, table, writeBetween } from './markdown.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** The player that the others are compared with. */
const PEER = 'mpegts';
const PEERS = ['mpegts.js', 'flv.js', 'xgplayer', 'xgplayer-flv'];

function ratio(results, player, key) {
  const ratios = results
    .filter(result => result.player === player)
    .map(({ repetition, figures }) => {
      const peer = results.find(result => result.player === PEER && result.repetition === repetition);
      return (figures[key] ?? Number.NaN) / (peer?.figures[key] ?? Number.NaN);
    });
  return median(ratios)?.toFixed(2) ?? '–';
}

function caseTable({ title, columns, key, absent }, results) {
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
  return [`### ${title}`, '', table(head, rows)].join('\n');
}

/** All tables; `kinds` are the cases by name. */
export function tables(kinds, results) {
  return [...kinds]
    .map(([name, kind]) =>
      caseTable(
        kind,
        results.filter(result => result.kind === name),
      ),
    )
    .join('\n\n');
}

/** Replaces what is between the marks of docs/performance.md. */
export function writeReport(kinds, results) {
  writeBetween('bench', `${conditions(results)}\n\n${tables(kinds, results)}`);
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
