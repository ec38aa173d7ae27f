/** The list of the publisher's figures: what is worth reading, and does not need a chart. */
import type { PublisherStats } from 'sailcast/publisher';
import type { Row } from '../figure-list.js';
import * as format from '../format.js';
import { type Key, t } from '../i18n.js';

const PATHS = { webcodecs: 'decoderWebcodecs', wasm: 'decoderWasm' } as const;

export const PUBLISH_FIGURES: readonly Row<PublisherStats>[] = [
  [
    'picture',
    ({ width, height, targetFps }) => (width === 0 ? format.NONE : `${width} × ${height}, ${targetFps} fps`),
  ],
  ['codecs', ({ videoCodec, audioCodec }) => listed([videoCodec, audioCodec])],
  ['encoders', ({ videoEncoder, audioEncoder }) => encoders(videoEncoder, audioEncoder)],
  ['bitrates', stats => `${format.bitrate(stats.videoBitrate)} + ${format.bitrate(stats.audioBitrate)}`],
  ['encodeTime', ({ encodeTime }) => `${Math.round(encodeTime * 1000)} ms`],
  ['avOffset', ({ avOffset }) => format.milliseconds(avOffset)],
  ['keyframes', ({ keyframes }) => String(keyframes)],
  ['repeated', ({ framesRepeated }) => String(framesRepeated)],
  ['leftOut', stats => leftOut(stats)],
  ['silence', ({ silence }) => format.seconds(silence, 1)],
  ['reconnects', ({ reconnects }) => String(reconnects)],
  ['sentTotal', ({ bytesSent }) => format.bytes(bytesSent)],
];

function listed(names: readonly (string | null)[]): string {
  return names.filter(name => name !== null).join(', ') || format.NONE;
}

/** Of picture and sound, once where both are the same. */
function encoders(...paths: (PublisherStats['videoEncoder'] | null)[]): string {
  return listed([...new Set(paths.map(path => (path === null ? null : t(PATHS[path]))))]);
}

function leftOut(stats: PublisherStats): string {
  const causes: [Key, number][] = [
    ['dropDisposable', stats.droppedDisposable],
    ['dropVideo', stats.droppedVideo],
    ['dropAudio', stats.droppedAudio],
    ['dropNotEncoded', stats.notEncoded],
    ['dropBusy', stats.encoderBusy],
  ];
  const some = causes.filter(([, count]) => count > 0).map(([name, count]) => `${t(name)} ${count}`);
  return some.join(', ') || '0';
}
