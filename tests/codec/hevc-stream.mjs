/** HEVC in Annex B, as encoders write it to files, to packets as containers carry them. Independent of our parsers in Rust. */
import { nals } from './annexb.mjs';

const VPS = 32;
const SPS = 33;
const PPS = 34;

export const typeOf = nal => (nal[0] >> 1) & 0x3f;

/** The access units (7.4.2.4.4): lists of NAL units. */
export function accessUnits(bytes) {
  const units = [[]];
  let hasSlice = false;
  for (const nal of nals(bytes)) {
    const type = typeOf(nal);
    const isSlice = type < VPS;
    const isFirst = isSlice && (nal[2] & 0x80) !== 0;
    const isHead = (type >= VPS && type <= 35) || type === 39 || (type >= 41 && type <= 44);
    if (hasSlice && (isFirst || isHead)) {
      units.push([]);
      hasSlice = false;
    }
    units.at(-1).push(nal);
    hasSlice ||= isSlice;
  }
  return units;
}

export const isRandomAccess = unit => unit.some(nal => typeOf(nal) >= 16 && typeOf(nal) <= 23);

export function packet(unit, lengthSize = 4) {
  const prefixed = unit.map(nal => {
    const length = Buffer.alloc(lengthSize);
    length.writeUIntBE(nal.length, 0, lengthSize);
    return Buffer.concat([length, nal]);
  });
  return Buffer.concat(prefixed);
}

/** An HEVCDecoderConfigurationRecord of the unit's parameter sets; its profile is zeroed, as some encoders send it. */
export function hvcC(unit, lengthSize = 4) {
  const arrays = [VPS, SPS, PPS].map(type => {
    const sets = unit.filter(nal => typeOf(nal) === type);
    const sized = sets.map(nal => Buffer.concat([Buffer.from([nal.length >> 8, nal.length & 255]), nal]));
    return Buffer.concat([Buffer.from([0x80 | type, 0, sets.length]), ...sized]);
  });
  const head = Buffer.alloc(23);
  head[0] = 1;
  head[21] = 0xfc | (lengthSize - 1);
  head[22] = arrays.length;
  return Buffer.concat([head, ...arrays]);
}

export const withoutSets = unit => unit.filter(nal => typeOf(nal) < VPS || typeOf(nal) > PPS);
