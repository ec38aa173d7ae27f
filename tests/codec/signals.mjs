/** Sound made of numbers: the same from the same seed. All give one channel, a Float32Array. */
import { seeded } from './random.mjs';

/** A voice without words: a buzz that glides through changing resonances, hisses and pauses. */
export function voice(seconds, rate, seed = 1) {
  const random = seeded(seed);
  const samples = new Float32Array(Math.round(seconds * rate));
  let filters = [];
  let phase = 0;
  for (let at = 0; at < samples.length; at++) {
    const time = at / rate;
    if (at % Math.round(rate / 8) === 0) filters = formants(random, rate);
    const pitch = 130 + 40 * Math.sin(2.3 * time) + 15 * Math.sin(31 * time);
    phase += pitch / rate;
    const buzz = phase >= 1 ? 1 : 0;
    phase %= 1;
    const hiss = (random.next() - 0.5) * 0.05;
    const isPause = time % 2 > 1.7;
    let sum = 0;
    for (const filter of filters) sum += filter(isPause ? hiss / 200 : buzz + hiss);
    samples[at] = Math.tanh(sum * 0.25);
  }
  return samples;
}

function formants(random, rate) {
  const centres = [300 + 500 * random.next(), 900 + 1400 * random.next(), 2400 + 1200 * random.next()];
  if (random.next() < 0.25) centres.push(5500 + 2000 * random.next());
  return centres
    .filter(centre => centre < rate * 0.45)
    .map((centre, at) => resonator(centre, 80 + 60 * at, rate));
}

function resonator(centre, width, rate) {
  const radius = Math.exp((-Math.PI * width) / rate);
  const twice = 2 * radius * Math.cos((2 * Math.PI * centre) / rate);
  let [one, two] = [0, 0];
  return input => {
    const out = input + twice * one - radius * radius * two;
    [one, two] = [out, one];
    return out;
  };
}

/** Plucked strings, four notes a second, over a quiet noise. */
export function strings(seconds, rate, seed = 2) {
  const random = seeded(seed);
  const samples = new Float32Array(Math.round(seconds * rate));
  for (let start = 0; start < samples.length; start += Math.round(rate / 4)) {
    const pitch = 110 * 2 ** (random.below(24) / 12);
    const end = Math.min(samples.length, start + 2 * rate);
    for (let harmonic = 1; harmonic <= 12 && harmonic * pitch < rate * 0.45; harmonic++) {
      const step = (2 * Math.PI * harmonic * pitch) / rate;
      for (let at = start; at < end; at++) {
        const time = (at - start) / rate;
        samples[at] += (0.12 / harmonic) * Math.exp(-time * (2 + harmonic)) * Math.sin(step * (at - start));
      }
    }
  }
  for (let at = 0; at < samples.length; at++) samples[at] += (random.next() - 0.5) * 0.01;
  return samples;
}

/** Silence but for a click every half second, of which the first is at `first` s. */
export function clicks(seconds, rate, first = 0.5) {
  const samples = new Float32Array(Math.round(seconds * rate));
  for (let time = first; time < seconds; time += 0.5) {
    const start = Math.round(time * rate);
    for (let at = 0; at < rate / 50 && start + at < samples.length; at++) {
      samples[start + at] = 0.8 * Math.exp((-300 * at) / rate) * Math.cos((12000 * at) / rate);
    }
  }
  return samples;
}

/** Channels of equal length, interleaved. */
export function interleave(...channels) {
  const samples = new Float32Array(channels[0].length * channels.length);
  channels.forEach((channel, of) => {
    for (let at = 0; at < channel.length; at++) samples[at * channels.length + of] = channel[at];
  });
  return samples;
}
