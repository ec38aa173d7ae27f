//! One channel of a frame (RFC 9639 9.2): a prediction and what it was off by.
//!
//! Sums wrap: only a damaged frame gets that far, and its checksum is wrong.

use crate::bits::Bits;
use sailcast_codec_face::Error;

const MAX_ORDER: usize = 32;

/// By order (RFC 9639 9.2.5), the newest sample first.
const FIXED: [&[i64]; 5] = [&[], &[1], &[2, -1], &[3, -3, 1], &[4, -6, 4, -1]];

pub fn decode(bits: &mut Bits<'_>, depth: u32, out: &mut [i64]) -> Result<(), Error> {
    let bad = || "a subframe of FLAC is damaged".to_owned();
    let kind = bits.read(8)?;
    // How many of the lowest bits of every sample are 0.
    let wasted = if kind & 1 == 0 { 0 } else { bits.unary()? + 1 };
    let depth = depth.checked_sub(wasted).filter(|depth| *depth > 0).ok_or_else(bad)?;
    match (kind >> 1) as usize {
        0 => out.fill(bits.signed(depth)?),
        1 => read_samples(bits, depth, out)?,
        kind @ 8..=12 => {
            let order = kind - 8;
            let warm_up = out.get_mut(..order).ok_or_else(bad)?;
            read_samples(bits, depth, warm_up)?;
            read_residual(bits, order, out)?;
            predict(FIXED[order], 0, out);
        }
        kind @ 32..=63 => {
            let order = kind - 31;
            let warm_up = out.get_mut(..order).ok_or_else(bad)?;
            read_samples(bits, depth, warm_up)?;
            let precision = bits.read(4)? + 1;
            let shift = bits.read(5)?;
            // 16 bits are reserved, and a negative shift is forbidden.
            if precision == 16 || shift > 15 {
                return Err(bad());
            }
            let mut coefficients = [0; MAX_ORDER];
            let coefficients = &mut coefficients[..order];
            read_samples(bits, precision, coefficients)?;
            read_residual(bits, order, out)?;
            predict(coefficients, shift, out);
        }
        _ => return Err(bad()),
    }
    if wasted > 0 {
        for sample in out {
            *sample = sample.wrapping_shl(wasted);
        }
    }
    Ok(())
}

fn read_samples(bits: &mut Bits<'_>, depth: u32, out: &mut [i64]) -> Result<(), Error> {
    for sample in out {
        *sample = bits.signed(depth)?;
    }
    Ok(())
}

/// In partitions, each with a Rice parameter of its own or with plain numbers; behind the first `order` samples.
fn read_residual(bits: &mut Bits<'_>, order: usize, out: &mut [i64]) -> Result<(), Error> {
    let bad = || "a residual of FLAC is damaged".to_owned();
    let parameter_bits = match bits.read(2)? {
        0 => 4,
        1 => 5,
        _ => return Err(bad()),
    };
    let partitions = 1_usize << bits.read(4)?;
    let size = out.len() / partitions;
    if !out.len().is_multiple_of(partitions) || size < order {
        return Err(bad());
    }
    let escape = (1 << parameter_bits) - 1;
    for (at, partition) in out.chunks_exact_mut(size).enumerate() {
        let partition = if at == 0 { &mut partition[order..] } else { partition };
        let parameter = bits.read(parameter_bits)?;
        if parameter == escape {
            let depth = bits.read(5)?;
            read_samples(bits, depth, partition)?;
        } else {
            for sample in partition {
                let folded = u64::from(bits.unary()?) << parameter | u64::from(bits.read(parameter)?);
                // 0, -1, 1, -2, 2...
                *sample = (folded >> 1) as i64 ^ -((folded & 1) as i64);
            }
        }
    }
    Ok(())
}

/// Adds the prediction to what `out` holds of it, from the sample on that has enough before it.
fn predict(coefficients: &[i64], shift: u32, out: &mut [i64]) {
    let order = coefficients.len();
    for at in order..out.len() {
        let (before, now) = out.split_at_mut(at);
        let newest_first = before.iter().rev();
        let sum = coefficients
            .iter()
            .zip(newest_first)
            .fold(0_i64, |sum, (factor, sample)| sum.wrapping_add(factor.wrapping_mul(*sample)));
        now[0] = now[0].wrapping_add(sum >> shift);
    }
}
