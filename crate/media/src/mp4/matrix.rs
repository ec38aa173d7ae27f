//! Transformation matrices (ISO/IEC 14496-12, 8.3.2): how phones say that they were held otherwise than their camera lies.
//!
//! **Invariant:** what is no turn by right angles, mirrored or not, is none: a picture that is scaled or sheared is shown as it is
//! coded. Where it is moved to counts for nothing.

use crate::{packet::Turn, read::ByteReader};

/// 1.0 in 16.16, and in 2.30.
const ONE: i32 = 1 << 16;
const LESS_ONE: i32 = -ONE;
const UNITY: i32 = 1 << 30;

/// By rows; the third column is (0, 0, 1), and the third row moves.
pub type Matrix = [i32; 9];

pub const IDENTITY: Matrix = [ONE, 0, 0, 0, ONE, 0, 0, 0, UNITY];

/// Where a step to the right goes, right and down, and where one down goes.
fn steps(turn: Turn) -> [i32; 4] {
    let (along, aside) = match turn.rotation {
        90 => (0, ONE),
        180 => (LESS_ONE, 0),
        270 => (0, LESS_ONE),
        _ => (ONE, 0),
    };
    let mirrored = |to_the_right: i32| if turn.mirror { to_the_right.saturating_neg() } else { to_the_right };
    [mirrored(along), aside, mirrored(aside.saturating_neg()), along]
}

/// Reads nine numbers.
pub fn read(r: &mut ByteReader<'_>) -> Option<Turn> {
    let mut number = || r.u32().map(u32::cast_signed);
    let [a, b, _, c, d] = [number()?, number()?, number()?, number()?, number()?];
    let rotation = match (b, d) {
        (ONE, 0) => 90,
        (0, LESS_ONE) => 180,
        (LESS_ONE, 0) => 270,
        _ => 0,
    };
    let both = [false, true].map(|mirror| Turn { rotation, mirror });
    Some(both.into_iter().find(|turn| steps(*turn) == [a, b, c, d]).unwrap_or_default())
}

/// What a picture of this size needs: it is moved back to where its corner was.
pub fn of(turn: Turn, (width, height): (u16, u16)) -> Matrix {
    let [a, b, c, d] = steps(turn);
    let back = |of_width: i32, of_height: i32| {
        let side = |step: i32, side: u16| if step < 0 { i32::from(side).saturating_mul(ONE) } else { 0 };
        side(of_width, width).saturating_add(side(of_height, height))
    };
    [a, b, 0, c, d, 0, back(a, c), back(b, d), UNITY]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Turn> {
        [0, 90, 180, 270]
            .into_iter()
            .flat_map(|rotation| [false, true].map(|mirror| Turn { rotation, mirror }))
    }

    fn read_back(matrix: &[i32; 9]) -> Turn {
        let bytes: Vec<u8> = matrix.iter().flat_map(|number| number.to_be_bytes()).collect();
        read(&mut ByteReader::new(&bytes)).unwrap()
    }

    #[test]
    fn each_turn_is_read_as_it_was_written() {
        for turn in all() {
            assert_eq!(read_back(&of(turn, (640, 360))), turn);
        }
        assert_eq!(of(Turn::NONE, (640, 360)), IDENTITY);
    }

    #[test]
    fn a_turned_picture_begins_at_the_corner() {
        for turn in all() {
            let [a, b, _, c, d, _, x, y, _] = of(turn, (640, 360)).map(|number| number / ONE);
            let corners =
                [(0, 0), (640, 0), (0, 360), (640, 360)].map(|(u, v)| (a * u + c * v + x, b * u + d * v + y));
            let least = corners.iter().fold((i32::MAX, i32::MAX), |(p, q), (x, y)| (p.min(*x), q.min(*y)));
            assert_eq!(least, (0, 0), "{turn:?}");
        }
    }

    #[test]
    fn what_is_no_turn_is_shown_as_it_is_coded() {
        let half = ONE / 2;
        for [a, b, c, d] in
            [[0; 4], [half, 0, 0, half], [46_341, 46_341, -46_341, 46_341], [ONE, ONE, 0, ONE]]
        {
            assert_eq!(read_back(&[a, b, 0, c, d, 0, 0, 0, UNITY]), Turn::NONE);
        }
    }
}
