/**
 * How much of a codec's noise is not hidden by the sound: a plain relative of PEAQ's noise-to-mask ratio.
 *
 * In each half Bark of each 2048 samples what differs is compared with what the sound hides there: itself spread over the bands
 * above (10 dB a Bark) and below (27 dB a Bark), less 9 to 18 dB. It says which of two encoders of the same sound is better, not
 * whether anybody hears it.
 */
const SIZE = 2048;
const HOP = 1024;
const BANDS = 48;
const TOP = 15_500;
/** About what nobody hears in a quiet room, were full scale 96 dB. */
const FLOOR = 1e-7;

const bark = hz => 13 * Math.atan(0.00076 * hz) + 3.5 * Math.atan((hz / 7500) ** 2);

/** The mean over frames and bands of the dB by which noise stands out, of one channel. Lower is better, 0 is all hidden. */
export function nmr(sound, heard, rate) {
  const count = Math.min(sound.length, heard.length);
  const bands = Array.from({ length: SIZE / 2 }, (_, bin) => (bin * rate) / SIZE)
    .filter(hz => hz < TOP)
    .map(hz => Math.min(BANDS - 1, Math.floor(bark(hz) * 2)));
  const used = [...new Set(bands)];
  let sum = 0;
  let frames = 0;
  const window = Float64Array.from({ length: SIZE }, (_, at) => Math.sin((Math.PI * (at + 0.5)) / SIZE) ** 2);
  for (let start = 0; start + SIZE <= count; start += HOP) {
    const signal = energies(at => sound[start + at] * window[at], bands);
    if (signal.reduce((all, one) => all + one, 0) < 1e-3) continue;
    const noise = energies(at => (sound[start + at] - heard[start + at]) * window[at], bands);
    for (const band of used) {
      let mask = 0;
      for (const other of used) {
        const distance = (band - other) / 2;
        mask += signal[other] * 10 ** ((distance >= 0 ? -10 * distance : 27 * distance) / 10);
      }
      mask = Math.max(FLOOR, mask * 10 ** (-(9 + 0.2 * band) / 10));
      sum += Math.max(0, 10 * Math.log10(noise[band] / mask)) / used.length;
    }
    frames += 1;
  }
  return sum / frames;
}

function energies(sample, bands) {
  const re = new Float64Array(SIZE);
  const im = new Float64Array(SIZE);
  for (let at = 0; at < SIZE; at++) re[at] = sample(at);
  fft(re, im);
  const sums = new Float64Array(BANDS);
  bands.forEach((band, bin) => {
    sums[band] += (re[bin] ** 2 + im[bin] ** 2) / SIZE;
  });
  return sums;
}

function fft(re, im) {
  const n = re.length;
  for (let at = 1, to = 0; at < n; at++) {
    let bit = n >> 1;
    for (; to & bit; bit >>= 1) to ^= bit;
    to ^= bit;
    if (at < to) {
      [re[at], re[to]] = [re[to], re[at]];
      [im[at], im[to]] = [im[to], im[at]];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let turn = 0; turn < size / 2; turn++) {
      const [cos, sin] = [Math.cos((2 * Math.PI * turn) / size), -Math.sin((2 * Math.PI * turn) / size)];
      for (let at = turn; at < n; at += size) {
        const to = at + size / 2;
        const [x, y] = [re[to] * cos - im[to] * sin, re[to] * sin + im[to] * cos];
        [re[to], im[to]] = [re[at] - x, im[at] - y];
        [re[at], im[at]] = [re[at] + x, im[at] + y];
      }
    }
  }
}
