//! The parameter sets of H.264 and H.265 that a track has shown, by type and id.
//!
//! **Invariant:** at most [`MAX_SETS`] of at most [`MAX_BYTES`] together, each a copy of its own: a stored set does not hold the
//! packet it came in.

use bytes::Bytes;

/// Encoders use a handful; the standards allow 16 VPS, 32 SPS and 256 PPS.
const MAX_SETS: usize = 64;
/// A set is a few hundred bytes at most, with scaling lists.
const MAX_BYTES: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSet {
    /// nal_unit_type.
    pub kind: u8,
    pub id: u32,
    pub nal: Bytes,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSets {
    sets: Vec<ParameterSet>,
}

impl ParameterSets {
    /// Stores a set; true where it is new or other than the one of its type and id.
    pub fn insert(&mut self, kind: u8, id: u32, nal: &[u8]) -> bool {
        let same = |set: &&mut ParameterSet| set.kind == kind && set.id == id;
        if self.sets.iter_mut().find(same).is_some_and(|set| set.nal == nal) {
            return false;
        }
        let mut kept = self.sets.iter().filter(|set| set.kind != kind || set.id != id);
        let (count, bytes) = kept
            .by_ref()
            .fold((0usize, 0usize), |(n, sum), set| (n.saturating_add(1), sum.saturating_add(set.nal.len())));
        if count >= MAX_SETS || bytes.saturating_add(nal.len()) > MAX_BYTES {
            return false;
        }
        let nal = Bytes::copy_from_slice(nal);
        match self.sets.iter_mut().find(same) {
            Some(set) => set.nal = nal,
            None => self.sets.push(ParameterSet { kind, id, nal }),
        }
        true
    }

    /// Takes the sets of a packet; true where they change what is known. A changed SPS comes with the other types (`whole`), or
    /// else is put among those there are: what was there may not fit it.
    pub fn update(&mut self, fresh: Self, sps: u8, whole: &[u8]) -> bool {
        let is_new = |set: &&ParameterSet| self.get(set.kind, set.id) != Some(*set);
        if fresh.of_kind(sps).any(|set| is_new(&set)) && whole.iter().all(|kind| fresh.has(*kind)) {
            *self = fresh;
            return true;
        }
        let mut changed = false;
        for set in &fresh.sets {
            changed |= self.insert(set.kind, set.id, &set.nal);
        }
        changed
    }

    pub fn has(&self, kind: u8) -> bool {
        self.of_kind(kind).next().is_some()
    }

    pub fn of_kind(&self, kind: u8) -> impl Iterator<Item = &ParameterSet> + Clone {
        self.sets.iter().filter(move |set| set.kind == kind)
    }

    pub fn get(&self, kind: u8, id: u32) -> Option<&ParameterSet> {
        self.of_kind(kind).find(|set| set.id == id)
    }

    /// Those of a type, the one with this id first: a reader that takes only the first takes the one in use.
    pub fn with_first(&self, kind: u8, id: u32) -> impl Iterator<Item = &ParameterSet> + Clone {
        let first = self.of_kind(kind).filter(move |set| set.id == id);
        first.chain(self.of_kind(kind).filter(move |set| set.id != id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_new_when_its_bytes_are() {
        let mut sets = ParameterSets::default();
        assert!(sets.insert(7, 0, &[1]));
        assert!(!sets.insert(7, 0, &[1]));
        assert!(sets.insert(7, 0, &[2]));
        assert!(sets.insert(8, 0, &[2]));
        assert_eq!(sets.of_kind(7).count(), 1);
    }

    #[test]
    fn sets_and_bytes_are_bounded() {
        let mut sets = ParameterSets::default();
        for id in 0..1000 {
            sets.insert(8, id, &[0; 2048]);
        }
        assert!(sets.of_kind(8).map(|set| set.nal.len()).sum::<usize>() <= MAX_BYTES);
        let mut sets = ParameterSets::default();
        for id in 0..1000 {
            sets.insert(8, id, &[0]);
        }
        assert_eq!(sets.of_kind(8).count(), MAX_SETS);
        assert!(sets.insert(8, 0, &[1]), "one that is there can still change");
    }
}
