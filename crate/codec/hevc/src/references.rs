//! Which pictures a picture refers to, and whether they are whole.
//!
//! **Invariant:** a picture counts as whole only when it was decoded without an error and all that it refers to was whole: the
//! decoder itself puts grey in the place of what is lost and goes on.

use crate::bits::{Bits, width_of};
use crate::sets::Sps;

/// 7.4.8: as many as the decoded picture buffer has places.
const MAX_REFERENCES: usize = 16;

/// A reference by its distance in POC, and whether this picture itself uses it (or only later ones).
type Delta = (i32, bool);

/// st_ref_pic_set: those before and those behind, the nearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortTerm {
    before: Vec<Delta>,
    behind: Vec<Delta>,
}

/// A picture that a slice header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    pub poc: i32,
    /// The POC is given only modulo this.
    pub modulo: Option<i32>,
    /// By this picture, not only by later ones.
    pub used: bool,
}

impl ShortTerm {
    pub fn references(&self, poc: i32) -> impl Iterator<Item = Reference> {
        let all = self.before.iter().chain(&self.behind);
        all.map(move |(delta, used)| Reference { poc: poc.wrapping_add(*delta), modulo: None, used: *used })
    }

    fn len(&self) -> usize {
        self.before.len() + self.behind.len()
    }
}

/// 7.3.7, of a sequence parameter set or, with `in_slice`, of a slice header.
pub fn short_term_set(bits: &mut Bits<'_>, earlier: &[ShortTerm], in_slice: bool) -> Option<ShortTerm> {
    let predicted = !earlier.is_empty() && bits.flag()?;
    let set = if predicted { predicted_set(bits, earlier, in_slice)? } else { explicit_set(bits)? };
    (set.len() <= MAX_REFERENCES).then_some(set)
}

fn explicit_set(bits: &mut Bits<'_>) -> Option<ShortTerm> {
    let before = bits.ue_up_to(MAX_REFERENCES as u32)?;
    let behind = bits.ue_up_to(MAX_REFERENCES as u32)?;
    let mut side = |count, sign| {
        let mut poc = 0;
        let mut deltas = Vec::new();
        for _ in 0..count {
            poc += sign * (1 + bits.ue_up_to(0x7fff)? as i32);
            deltas.push((poc, bits.flag()?));
        }
        Some(deltas)
    };
    Some(ShortTerm { before: side(before, -1)?, behind: side(behind, 1)? })
}

/// Equations 7-61 and 7-62.
fn predicted_set(bits: &mut Bits<'_>, earlier: &[ShortTerm], in_slice: bool) -> Option<ShortTerm> {
    let back = 1 + if in_slice { bits.ue_up_to(earlier.len() as u32 - 1)? as usize } else { 0 };
    let base = earlier.get(earlier.len() - back)?;
    let negative = bits.flag()?;
    let size = 1 + bits.ue_up_to(0x7fff)? as i32;
    let shift = if negative { -size } else { size };
    // What is carried over, in the order of the syntax: each picture of the base, then the base itself.
    let pocs = base.before.iter().chain(&base.behind).map(|(delta, _)| *delta).chain([0]);
    let mut kept: Vec<Delta> = Vec::new();
    for poc in pocs {
        let used = bits.flag()?;
        if used || bits.flag()? {
            kept.push((poc + shift, used));
        }
    }
    let side = |sign: i32| {
        let mut deltas: Vec<Delta> = kept.iter().copied().filter(|(poc, _)| poc.signum() == sign).collect();
        // The equations' order is that of the distance.
        deltas.sort_by_key(|(poc, _)| poc.abs());
        deltas
    };
    Some(ShortTerm { before: side(-1), behind: side(1) })
}

/// The long-term pictures of a slice header, 7.3.6.1 and equation 7-52.
pub fn long_term(bits: &mut Bits<'_>, sps: &Sps, poc: i32) -> Option<Vec<Reference>> {
    let Some(candidates) = &sps.long_term else { return Some(Vec::new()) };
    let most = MAX_REFERENCES as u32;
    let of_sps = if candidates.is_empty() { 0 } else { bits.ue_up_to(most)? };
    let own = bits.ue_up_to(most)?;
    let modulo = 1 << sps.log2_max_poc_lsb;
    let mut cycles: i32 = 0;
    let mut references = Vec::new();
    for at in 0..of_sps + own {
        let (lsb, used) = if at < of_sps {
            *candidates.get(bits.uint(width_of(candidates.len() as u32))? as usize)?
        } else {
            (bits.uint(sps.log2_max_poc_lsb)?, bits.flag()?)
        };
        let lsb = lsb as i32;
        if at == 0 || at == of_sps {
            cycles = 0;
        }
        let whole_poc = bits.flag()?;
        if whole_poc {
            cycles = cycles.checked_add(i32::try_from(bits.ue()?).ok()?)?;
        }
        let msb = (poc - poc.rem_euclid(modulo)).wrapping_sub(cycles.wrapping_mul(modulo));
        references.push(if whole_poc {
            Reference { poc: msb.wrapping_add(lsb), modulo: None, used }
        } else {
            Reference { poc: lsb, modulo: Some(modulo), used }
        });
    }
    Some(references)
}

/// The pictures that are whole and may still be referred to, by POC.
#[derive(Debug, Default)]
pub struct Whole {
    pocs: Vec<i32>,
}

impl Whole {
    /// Forgets what the picture that names `references` lets go of. Whether all that it uses is here.
    pub fn admit(&mut self, references: &[Reference]) -> bool {
        self.pocs.retain(|poc| references.iter().any(|reference| reference.is(*poc)));
        let mut used = references.iter().filter(|reference| reference.used);
        used.all(|reference| self.pocs.iter().any(|poc| reference.is(*poc)))
    }

    pub fn add(&mut self, poc: i32) {
        self.pocs.push(poc);
    }

    pub fn clear(&mut self) {
        self.pocs.clear();
    }
}

impl Reference {
    fn is(&self, poc: i32) -> bool {
        match self.modulo {
            Some(modulo) => poc.rem_euclid(modulo) == self.poc,
            None => poc == self.poc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(poc: i32, used: bool) -> Reference {
        Reference { poc, modulo: None, used }
    }

    #[test]
    fn a_picture_is_admitted_when_all_that_it_uses_is_whole() {
        let mut whole = Whole::default();
        assert!(whole.admit(&[]), "a keyframe needs nothing");
        whole.add(0);
        assert!(whole.admit(&[near(0, true)]));
        whole.add(1);
        // Picture 2 is lost; 3 may refer to it, as long as it does not use it.
        assert!(whole.admit(&[near(2, false), near(1, true)]));
        assert!(!whole.admit(&[near(2, true), near(1, true)]));
        assert!(!whole.admit(&[near(0, true)]), "0 was let go of");
    }

    #[test]
    fn a_long_term_picture_is_known_by_its_lowest_bits() {
        let mut whole = Whole::default();
        whole.add(261);
        let reference = Reference { poc: 5, modulo: Some(256), used: true };
        assert!(whole.admit(&[reference]));
        assert!(!whole.admit(&[Reference { poc: 6, ..reference }]));
    }

    #[test]
    fn a_predicted_set_is_the_base_one_picture_on() {
        let base = ShortTerm { before: vec![(-1, true), (-3, false)], behind: vec![(2, true)] };
        // delta_rps_sign 1, abs_delta_rps_minus1 0; used, used, not used but kept, used.
        let mut bits = Bits::new(&[0b1111_0110]);
        let set = predicted_set(&mut bits, std::slice::from_ref(&base), false);
        let before = vec![(-1, true), (-2, true), (-4, true)];
        assert_eq!(set, Some(ShortTerm { before, behind: vec![(1, false)] }));
    }
}
