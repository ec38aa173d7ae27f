//! The geometry of `object-fit`. Pure.

/// How the picture fills its box, in the words of CSS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// All of it, with bars.
    #[default]
    Contain,
    /// All of the box, with edges cut off.
    Cover,
    /// All of both, out of shape.
    Fill,
}

impl Fit {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "contain" => Some(Self::Contain),
            "cover" => Some(Self::Cover),
            "fill" => Some(Self::Fill),
            _ => None,
        }
    }
}

/// Where the whole picture goes, in pixels of the box; it may reach beyond the box.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Centres a picture in a box; edges fall on whole pixels, so that bars have no grey line beside them.
pub fn place(picture: (u32, u32), view: (u32, u32), fit: Fit) -> Place {
    let (picture_width, picture_height) = (f64::from(picture.0.max(1)), f64::from(picture.1.max(1)));
    let (view_width, view_height) = (f64::from(view.0), f64::from(view.1));
    let (across, down) = (view_width / picture_width, view_height / picture_height);
    let (scale_x, scale_y) = match fit {
        Fit::Contain => (across.min(down), across.min(down)),
        Fit::Cover => (across.max(down), across.max(down)),
        Fit::Fill => (across, down),
    };
    let (width, height) = ((picture_width * scale_x).round(), (picture_height * scale_y).round());
    Place {
        x: ((view_width - width) / 2.0).floor(),
        y: ((view_height - height) / 2.0).floor(),
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, y: f64, width: f64, height: f64) -> Place {
        Place { x, y, width, height }
    }

    #[test]
    fn contain_leaves_bars() {
        assert_eq!(place((1280, 720), (640, 480), Fit::Contain), at(0.0, 60.0, 640.0, 360.0));
        assert_eq!(place((480, 640), (640, 640), Fit::Contain), at(80.0, 0.0, 480.0, 640.0));
    }

    #[test]
    fn cover_reaches_beyond_the_box() {
        assert_eq!(place((1280, 720), (640, 480), Fit::Cover), at(-107.0, 0.0, 853.0, 480.0));
    }

    #[test]
    fn fill_takes_the_whole_box() {
        assert_eq!(place((1280, 720), (640, 480), Fit::Fill), at(0.0, 0.0, 640.0, 480.0));
    }

    #[test]
    fn an_empty_picture_or_box_is_no_division_by_zero() {
        assert_eq!(place((0, 0), (100, 100), Fit::Contain), at(0.0, 0.0, 100.0, 100.0));
        assert_eq!(place((100, 100), (0, 0), Fit::Cover), at(0.0, 0.0, 0.0, 0.0));
    }
}
