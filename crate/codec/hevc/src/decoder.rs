//! The life of a decoder: which pictures are decoded, and which are shown.

use rust_h265::{DecodeLimits, NalUnit, parse_nal};
use sailcast_codec_face::{Config, Decode, Error, Picture};

use crate::holes::{Grid, has_hole};
use crate::nal::{Record, units};
use crate::picture::picture;
use crate::references::Whole;
use crate::reorder::Reorder;
use crate::sets::{MAX_AREA, OutputLimits, Pps, Sps};
use crate::slice::{Head, NalType, PictureHeader};

/// Where there is no record to say it: what nearly every muxer writes.
const USUAL_LENGTH_SIZE: usize = 4;
/// Of the tables and samples of one picture: what the largest takes, at 16 bits and 4:4:4.
const MAX_PICTURE_MEMORY: u64 = 160 << 20;
/// An access unit delimiter: ends the picture before it, which otherwise waits for the next one.
const DELIMITER: &[u8] = &[35 << 1, 1, 0x50];
/// Makes the next picture the first of a sequence.
const END_OF_SEQUENCE: &[u8] = &[NalType::END_OF_SEQUENCE.0 << 1, 1];

/// See the crate.
pub struct Decoder {
    inner: rust_h265::Decoder,
    length_size: usize,
    sps: [Option<Sps>; 16],
    pps: [Option<Pps>; 64],
    /// What comes next does not go on from what was before: a CRA picture begins a sequence, and pictures that lead it and refer
    /// beyond it are left out (HandleCraAsBlaFlag).
    broken: bool,
    /// The decoder has to be told so.
    announce: bool,
    /// RASL pictures of the last random access point refer to what is not there.
    skips_rasl: bool,
    /// prevTid0Pic.
    anchor: i32,
    whole: Whole,
    /// Where the slices of the last whole picture began, after the first.
    begins: Vec<u32>,
    reorder: Reorder<Picture>,
    course: Course,
}

/// What becomes of the slices that follow.
enum Course {
    /// They have no picture.
    Between,
    Decoding(Started),
    /// Their picture is left out.
    LeavingOut,
}

/// The picture that is being decoded.
struct Started {
    poc: i32,
    output: bool,
    /// The POCs of later pictures count from it.
    is_anchor: bool,
    bit_depth: (u8, u8),
    grid: Grid,
    limits: OutputLimits,
    /// Where slices after the first begin.
    begins: Vec<u32>,
    damage: Option<Error>,
}

impl Decode for Decoder {
    type Output = Picture;

    fn open(config: &Config<'_>) -> Result<Self, Error> {
        let limits = DecodeLimits {
            max_picture_pixels: MAX_AREA.into(),
            max_picture_memory_bytes: MAX_PICTURE_MEMORY,
        };
        let mut decoder = Self {
            inner: rust_h265::Decoder::with_limits(limits),
            length_size: USUAL_LENGTH_SIZE,
            sps: [const { None }; 16],
            pps: [const { None }; 64],
            broken: true,
            announce: false,
            skips_rasl: true,
            anchor: 0,
            whole: Whole::default(),
            begins: Vec::new(),
            reorder: Reorder::default(),
            course: Course::Between,
        };
        if !config.description.is_empty() {
            let record = Record::read(config.description).ok_or("an hvcC that cannot be read")?;
            decoder.length_size = record.length_size;
            for nal in record.nals {
                decoder.parameters(nal)?;
            }
        }
        Ok(decoder)
    }

    fn decode(
        &mut self,
        data: &[u8],
        pts: f64,
        _keyframe: bool,
        out: &mut Vec<Picture>,
    ) -> Result<(), Error> {
        let mut done = Ok(());
        for unit in units(data, self.length_size) {
            let step = match unit {
                Ok(unit) => self.unit(unit, pts, out),
                Err(_) => self.damage("a packet that is cut short"),
            };
            done = done.and(step);
        }
        done.and(self.end_picture(pts, out))
    }

    fn flush(&mut self, out: &mut Vec<Picture>) -> Result<(), Error> {
        self.reorder.drain(out);
        self.begin_anew();
        Ok(())
    }
}

impl Decoder {
    fn unit(&mut self, unit: &[u8], pts: f64, out: &mut Vec<Picture>) -> Result<(), Error> {
        let Some(nal) = parse_nal(unit) else {
            // An empty one is padding; a header that cannot be is damage.
            return if unit.is_empty() { Ok(()) } else { self.damage("a NAL unit without a header") };
        };
        if nal.nuh_layer_id > 0 {
            return Ok(());
        }
        match kind_of(unit) {
            NalType::SPS | NalType::PPS => self.parameters(unit),
            NalType::END_OF_SEQUENCE => {
                let ended = self.end_picture(pts, out);
                self.begin_anew();
                ended
            }
            kind if kind.is_slice() => self.slice(&nal, kind, pts, out),
            _ => Ok(()),
        }
    }

    /// Takes a parameter set. Of the video parameter set nothing is needed.
    fn parameters(&mut self, unit: &[u8]) -> Result<(), Error> {
        let kind = kind_of(unit);
        let Some(nal) = parse_nal(unit) else { return Ok(()) };
        if !matches!(kind, NalType::SPS | NalType::PPS) {
            return Ok(());
        }
        // What the decoder refuses is refused.
        self.inner.decode_nal(&nal).map_err(|why| why.to_string())?;
        if kind == NalType::PPS {
            let pps = Pps::read(&nal.rbsp).ok_or("a picture parameter set that cannot be read")?;
            if let Some(place) = self.pps.get_mut(pps.id) {
                *place = Some(pps);
            }
            return Ok(());
        }
        let sps = Sps::read(&nal.rbsp).ok_or("a sequence parameter set that cannot be read")?;
        let too_large = sps.is_too_large();
        if let Some(place) = self.sps.get_mut(sps.id) {
            *place = (!too_large).then_some(sps);
        }
        if too_large { Err("pictures larger than 4096x2304".to_owned()) } else { Ok(()) }
    }

    fn slice(
        &mut self,
        nal: &NalUnit<'_>,
        kind: NalType,
        pts: f64,
        out: &mut Vec<Picture>,
    ) -> Result<(), Error> {
        let Some(head) = Head::read(&nal.rbsp, kind) else {
            return self.damage("a slice without a header");
        };
        let mut done = Ok(());
        if head.first_of_picture {
            done = self.end_picture(pts, out);
            done = done.and(self.start_picture(head, nal, kind, out));
        } else if let Course::Decoding(started) = &mut self.course {
            let address = sets(&self.sps, &self.pps, head.pps).and_then(|(sps, pps)| head.address(sps, pps));
            started.begins.extend(address);
        }
        match &mut self.course {
            Course::Decoding(started) => {
                if let Err(why) = self.inner.decode_nal(nal) {
                    started.damage.get_or_insert_with(|| why.to_string());
                }
                done
            }
            Course::LeavingOut => done,
            Course::Between => done.and(self.damage("a slice without its picture")),
        }
    }

    /// Decides whether the picture is decoded.
    fn start_picture(
        &mut self,
        head: Head<'_>,
        nal: &NalUnit<'_>,
        kind: NalType,
        out: &mut Vec<Picture>,
    ) -> Result<(), Error> {
        self.course = Course::LeavingOut;
        let begins = kind.is_irap() && (!kind.is_cra() || self.broken);
        let previous = (!begins).then_some(self.anchor);
        let header = sets(&self.sps, &self.pps, head.pps).and_then(|(sps, pps)| {
            let header = PictureHeader::read(head, kind, sps, pps, previous)?;
            Some((header, sps.bit_depth, sps.grid, sps.output))
        });
        let Some((header, bit_depth, grid, limits)) = header else {
            return self.lose("a slice whose header or parameter sets cannot be read".to_owned(), true);
        };
        let is_anchor = nal.temporal_id == 0 && kind.anchors_poc();
        if kind.is_irap() {
            self.skips_rasl = begins;
        }
        if kind.is_rasl() && self.skips_rasl {
            return Ok(());
        }
        if begins {
            // What waits belongs to the sequence before; it is shown, whatever NoOutputOfPriorPicsFlag says.
            self.reorder.drain(out);
            self.whole.clear();
            if std::mem::take(&mut self.announce)
                && let Some(end) = parse_nal(END_OF_SEQUENCE)
            {
                self.inner.decode_nal(&end).map_err(|why| why.to_string())?;
            }
            self.broken = false;
        }
        if is_anchor {
            self.anchor = header.poc;
        }
        if !self.whole.admit(&header.references) {
            return self.lose("a picture that refers to one that is lost".to_owned(), is_anchor);
        }
        self.course = Course::Decoding(Started {
            poc: header.poc,
            output: header.output,
            is_anchor,
            bit_depth,
            grid,
            limits,
            begins: Vec::new(),
            damage: None,
        });
        Ok(())
    }

    fn end_picture(&mut self, pts: f64, out: &mut Vec<Picture>) -> Result<(), Error> {
        let Course::Decoding(started) = std::mem::replace(&mut self.course, Course::Between) else {
            return Ok(());
        };
        let frame = match parse_nal(DELIMITER) {
            Some(delimiter) => self.inner.decode_nal(&delimiter).map_err(|why| why.to_string()),
            None => Ok(None),
        };
        let whole = match (started.damage, frame) {
            (Some(why), _) | (None, Err(why)) => Err(why),
            (None, Ok(Some(frame))) if frame.pic_order_cnt == started.poc => {
                let doubted = started.begins != self.begins;
                if doubted && has_hole(&frame, started.grid, &started.begins, started.bit_depth) {
                    Err("a picture without all of its slices".to_owned())
                } else {
                    Ok(Some(frame))
                }
            }
            (None, Ok(None)) if !started.output => Ok(None),
            (None, Ok(_)) => Err("not the picture that was decoded".to_owned()),
        };
        match whole {
            Ok(frame) => {
                self.whole.add(started.poc);
                self.begins = started.begins;
                if let Some(frame) = frame {
                    let picture = picture(frame, pts, started.bit_depth);
                    self.reorder.push(started.poc, picture, started.limits, out);
                }
                Ok(())
            }
            Err(why) => self.lose(why, started.is_anchor),
        }
    }

    /// Something of the present picture is missing; where there is none, whole pictures may be.
    fn damage(&mut self, why: &str) -> Result<(), Error> {
        match &mut self.course {
            Course::Decoding(started) => {
                started.damage.get_or_insert_with(|| why.to_owned());
                Ok(())
            }
            Course::LeavingOut => Ok(()),
            Course::Between => self.lose(why.to_owned(), true),
        }
    }

    /// A picture is not among the whole ones. The decoder may not know of it: where POCs count from it, they begin anew at the next
    /// random access point.
    fn lose(&mut self, why: Error, is_anchor: bool) -> Result<(), Error> {
        if is_anchor {
            self.broken = true;
            self.announce = true;
        }
        Err(why)
    }

    /// What comes next is not a continuation.
    fn begin_anew(&mut self) {
        self.broken = true;
        self.announce = true;
        self.whole.clear();
        self.course = Course::Between;
    }
}

/// The parameter sets that a slice names.
fn sets<'a>(sps: &'a [Option<Sps>], pps: &'a [Option<Pps>], id: usize) -> Option<(&'a Sps, &'a Pps)> {
    let pps = pps.get(id)?.as_ref()?;
    Some((sps.get(pps.sps)?.as_ref()?, pps))
}

fn kind_of(unit: &[u8]) -> NalType {
    NalType(unit.first().map_or(0, |byte| byte >> 1 & 0x3f))
}
