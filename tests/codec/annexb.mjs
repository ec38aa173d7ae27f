/**
 * H.264 in Annex B, as conformance streams come, to packets as containers carry them.
 *
 * Times are made of the picture order count (8.2.1): they only order pictures. Independent of our own parsers in Rust.
 */

const SLICE = 1;
const IDR = 5;
const SPS = 7;
const PPS = 8;

/** `{ description, packets: [{ data, pts, keyframe }] }` */
export function readAnnexB(bytes) {
  const sets = { sps: new Map(), pps: new Map() };
  const first = { sps: new Map(), pps: new Map() };
  const packets = [];
  const order = new Order();
  let unit = [];
  let picture;
  const close = () => {
    if (picture) {
      packets.push({ data: lengthPrefixed(unit), pts: order.time(picture), keyframe: picture.idr });
      unit = [];
    }
    picture = undefined;
  };
  for (const nal of nals(bytes)) {
    const type = nal[0] & 0x1f;
    if (type === SLICE || type === IDR) {
      const slice = sliceHeader(nal, sets);
      if (picture && differs(picture, slice)) close();
      picture ??= slice;
    } else if (type >= 6 && type <= 9) {
      close();
    }
    if (type === SPS) {
      const sps = readSps(nal);
      sets.sps.set(sps.id, sps);
      if (!first.sps.has(sps.id)) first.sps.set(sps.id, nal);
    } else if (type === PPS) {
      const pps = readPps(nal);
      sets.pps.set(pps.id, pps);
      if (!first.pps.has(pps.id)) first.pps.set(pps.id, nal);
    }
    unit.push(nal);
  }
  close();
  return { description: avcC([...first.sps.values()], [...first.pps.values()]), packets };
}

export function avcC(sps, pps) {
  const sized = nal => Buffer.concat([Buffer.from([nal.length >> 8, nal.length & 255]), nal]);
  return Buffer.concat([
    Buffer.from([1, sps[0][1], sps[0][2], sps[0][3], 0xff, 0xe0 | sps.length]),
    ...sps.map(sized),
    Buffer.from([pps.length]),
    ...pps.map(sized),
  ]);
}

export function lengthPrefixed(units) {
  return Buffer.concat(
    units.flatMap(nal => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(nal.length);
      return [length, nal];
    }),
  );
}

/** Without start codes and zeros at their ends. */
export function* nals(bytes) {
  const startCode = from => bytes.indexOf('\0\0\x01', from, 'latin1');
  let at = startCode(0);
  while (at >= 0) {
    const next = startCode(at + 3);
    let end = next < 0 ? bytes.length : next;
    while (end > at + 3 && bytes[end - 1] === 0) end--;
    if (end > at + 3) yield bytes.subarray(at + 3, end);
    at = next;
  }
}

class Bits {
  #bytes;
  #at = 0;

  constructor(nal) {
    const bytes = [];
    let zeros = 0;
    // Headers lie in the first bytes; a parameter set in a few hundred.
    for (const byte of nal.subarray(1, 2000)) {
      if (zeros >= 2 && byte === 3) {
        zeros = 0;
        continue;
      }
      zeros = byte === 0 ? zeros + 1 : 0;
      bytes.push(byte);
    }
    this.#bytes = bytes;
  }

  u(count) {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  ue() {
    let zeros = 0;
    while (zeros < 32 && this.u(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.u(zeros);
  }

  se() {
    const value = this.ue();
    return value % 2 ? (value + 1) / 2 : -value / 2;
  }
}

function readSps(nal) {
  const r = new Bits(nal);
  const profile = r.u(8);
  r.u(16);
  const sps = { id: r.ue() };
  if ([100, 110, 122, 244, 44, 83, 86, 118, 128].includes(profile)) {
    const chroma = r.ue();
    if (chroma === 3) r.u(1);
    r.ue();
    r.ue();
    r.u(1);
    if (r.u(1)) {
      for (let list = 0; list < (chroma === 3 ? 12 : 8); list++)
        if (r.u(1)) scalingList(r, list < 6 ? 16 : 64);
    }
  }
  sps.frameNumBits = r.ue() + 4;
  sps.pocType = r.ue();
  if (sps.pocType === 0) sps.pocBits = r.ue() + 4;
  else if (sps.pocType === 1) {
    sps.deltaAlwaysZero = r.u(1);
    r.se();
    r.se();
    for (let left = r.ue(); left > 0; left--) r.se();
  }
  r.ue();
  r.u(1);
  r.ue();
  r.ue();
  sps.framesOnly = r.u(1);
  return sps;
}

function scalingList(r, size) {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + r.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function readPps(nal) {
  const r = new Bits(nal);
  const pps = { id: r.ue(), sps: r.ue() };
  r.u(1);
  pps.pocPresent = r.u(1);
  return pps;
}

function sliceHeader(nal, sets) {
  const r = new Bits(nal);
  const slice = { reference: nal[0] & 0x60, idr: (nal[0] & 0x1f) === IDR };
  r.ue();
  slice.type = r.ue() % 5;
  slice.pps = r.ue();
  const pps = sets.pps.get(slice.pps);
  const sps = sets.sps.get(pps.sps);
  slice.sps = sps;
  slice.frameNum = r.u(sps.frameNumBits);
  if (!sps.framesOnly && r.u(1)) r.u(1);
  if (slice.idr) slice.idrId = r.ue();
  if (sps.pocType === 0) {
    slice.poc = r.u(sps.pocBits);
    if (pps.pocPresent) slice.delta = r.se();
  } else if (sps.pocType === 1 && !sps.deltaAlwaysZero) {
    slice.delta = r.se();
    if (pps.pocPresent) slice.delta2 = r.se();
  }
  return slice;
}

/** 7.4.1.2.4: they are of different pictures. */
function differs(a, b) {
  const fields = ['frameNum', 'pps', 'idr', 'idrId', 'poc', 'delta', 'delta2'];
  return fields.some(field => a[field] !== b[field]) || (a.reference === 0) !== (b.reference === 0);
}

/** Picture order counts, one after another. */
class Order {
  #sequence = 0;
  #count = 0;
  #before = { msb: 0, lsb: 0 };

  time(picture) {
    if (picture.idr) {
      this.#sequence++;
      this.#count = 0;
      this.#before = { msb: 0, lsb: 0 };
    }
    // Without B slices decoding order is output order.
    return this.#sequence * 1e9 + (picture.sps.pocType === 0 ? this.#count0(picture) : this.#count++);
  }

  #count0({ poc: lsb, reference, sps }) {
    const max = 2 ** sps.pocBits;
    let { msb } = this.#before;
    if (lsb < this.#before.lsb && this.#before.lsb - lsb >= max / 2) msb += max;
    else if (lsb > this.#before.lsb && lsb - this.#before.lsb > max / 2) msb -= max;
    if (reference) this.#before = { msb, lsb };
    return msb + lsb;
  }
}
