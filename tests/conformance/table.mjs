#!/usr/bin/env node
/**
 * The conformance table of docs/formats.md: `node tests/conformance/table.mjs [--write]`. Without `--write` it fails when the table
 * there is not the one that the demuxers give today.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { peers, readOurs } from './demuxers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const vectors = path.join(root, 'tests/fixtures/vectors');
const page = path.join(root, 'docs/formats.md');
const BEGIN = '<!-- table: node tests/conformance/table.mjs --write -->\n';
const END = '<!-- end of table -->\n';

function expectedOf(name) {
  const lines = readFileSync(path.join(vectors, `expected/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const events = lines.filter(Boolean).map(line => JSON.parse(line));
  const packets = events
    .filter(event => event.kind === 'packet' && event.size > 0)
    .map(event => ({ kind: event.track.split(' ')[0], dts: event.dts / 1000, key: event.key }));
  const count = kind => events.filter(event => event.kind === kind).length;
  return {
    packets,
    sei: count('sei'),
    metadata: count('metadata'),
    error: events.some(event => event.kind === 'error'),
  };
}

/** Takes out of `rest` the first that `fits`. */
function take(rest, fits) {
  const at = rest.findIndex(fits);
  if (at < 0) return undefined;
  return rest.splice(at, 1)[0];
}

/** `all`, or what is missing. Packets are the same when their kind and time are; what FFmpeg wrote has times of its own. */
function verdict({ seen, error }, expected, timed) {
  if (expected.error) return error ? 'error, as it should' : seen.length === 0 ? 'nothing' : 'reads it';
  const rest = [...seen];
  let [found, keys] = [0, 0];
  for (const packet of expected.packets) {
    const one = take(rest, other => other.kind === packet.kind && (!timed || other.dts === packet.dts));
    if (!one) continue;
    found++;
    if (one.key === packet.key) keys++;
  }
  const parts = [];
  const total = expected.packets.length;
  if (found < total) parts.push(found === 0 ? 'nothing' : `${found} of ${total} packets`);
  else if (keys < total) parts.push(`keyframes wrong`);
  for (const [kind, word] of [
    ['sei', 'SEI'],
    ['metadata', 'script'],
  ]) {
    const got = seen.filter(event => event.kind === kind).length;
    if (found > 0 && got < expected[kind]) parts.push(`${got} of ${expected[kind]} ${word} messages`);
  }
  if (error && parts.length > 0) parts.push('error');
  return parts.length === 0 ? 'all' : parts.join(', ');
}

const list = JSON.parse(readFileSync(path.join(vectors, 'vectors.json'), 'utf8'));
const fileOf = name => path.join(vectors, `flv/${name}.flv`);
const others = await peers();
const ours = readOurs(list.map(({ name }) => fileOf(name)));

let table = BEGIN;
let group;
const lost = [];
for (const vector of list) {
  if (vector.group !== group) {
    group = vector.group;
    table += `\n### ${group}\n\n| vector | what | Sailcast | FFmpeg 8.1 | mpegts.js ${others.versions.mpegts} | xgplayer ${others.versions.xgplayer} |\n| --- | --- | --- | --- | --- | --- |\n`;
  }
  const data = new Uint8Array(readFileSync(fileOf(vector.name)));
  const expected = expectedOf(vector.name);
  const timed = group !== 'Written by FFmpeg';
  const mine = verdict(ours.get(fileOf(vector.name)) ?? { seen: [] }, expected, timed);
  if (mine !== 'all' && mine !== 'error, as it should') lost.push(`${vector.name}: ${mine}`);
  const cells = [
    mine,
    vector.ffmpeg,
    ...[others.mpegts, others.xgplayer].map(read => verdict(read(data), expected, timed)),
  ];
  table += `| \`${vector.name}\` | ${vector.what} | ${cells.join(' | ')} |\n`;
}
table += `\n${END}`;

if (lost.length > 0) {
  console.error(`our demuxer does not give all of\n${lost.join('\n')}`);
  process.exitCode = 1;
}
const text = readFileSync(page, 'utf8');
const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
if (begin < 0 || end < begin) throw new Error(`${page} has no place for the table`);
const next = text.slice(0, begin) + table + text.slice(end + END.length);
if (process.argv.includes('--write')) writeFileSync(page, next);
else if (next !== text) {
  console.error('docs/formats.md is not up to date: node tests/conformance/table.mjs --write');
  process.exitCode = 1;
}
