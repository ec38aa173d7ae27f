//! Which packets are decoded, and which pictures may be shown.

use crate::{
    driver::{Decoded, Driver, Frame},
    reorder::Reorder,
    units::{ParameterSets, Units, read_avcc},
};
use sailcast_codec_face::{Config, Decode, Error, Picture};

/// From a keyframe to the first loss, and so on.
pub struct Decoder {
    length_size: usize,
    sets: ParameterSets,
    /// None from a loss to the next keyframe: what it had goes back to the memory with it.
    run: Option<Run>,
    /// The last run ended by damage: what follows is left out because of it.
    lost: bool,
    reorder: Reorder<Picture>,
}

/// A decoder since its keyframe.
struct Run {
    driver: Driver,
    /// frame_num of the last picture that others may refer to (PrevRefFrameNum of 7.4.3).
    reference: Option<u32>,
    /// Time of the picture that has not all of its slices.
    unfinished: Option<f64>,
    /// Time of a keyframe that is no IDR picture: what is shown before it may refer to what is not here.
    recovery: Option<f64>,
}

impl Decode for Decoder {
    type Output = Picture;

    fn open(config: &Config<'_>) -> Result<Self, Error> {
        let (length_size, sets) = read_avcc(config.description)?;
        // Whether openh264 takes the stream at all.
        Run::new(&sets, None)?;
        Ok(Self { length_size, sets, run: None, lost: false, reorder: Reorder::default() })
    }

    fn decode(&mut self, data: &[u8], pts: f64, keyframe: bool, out: &mut Vec<Picture>) -> Result<(), Error> {
        let done = self.packet(data, pts, keyframe, out);
        if done.is_err() {
            // What was decoded before is whole.
            self.flush(out)?;
            self.lost = true;
        }
        done
    }

    fn flush(&mut self, out: &mut Vec<Picture>) -> Result<(), Error> {
        self.run = None;
        self.reorder.flush(out);
        Ok(())
    }
}

impl Decoder {
    fn packet(&mut self, data: &[u8], pts: f64, keyframe: bool, out: &mut Vec<Picture>) -> Result<(), Error> {
        let units = Units::read(data, self.length_size, &mut self.sets)?;
        let begins = units.idr || (self.run.is_none() && keyframe && units.intra);
        let run = match &mut self.run {
            Some(run) => run,
            // Its parameter sets are kept: they are all that is needed of it.
            None if !begins && self.lost => return Err("no keyframe since the loss".to_owned()),
            None if !begins => return Ok(()),
            None => self.run.insert(Run::new(&self.sets, (!units.idr).then_some(pts))?),
        };
        if let Some(frame) = run.decode(&units, pts)? {
            self.lost = false;
            let order = frame.order(units.bidirectional);
            match begins {
                true => self.reorder.begin(pts, frame.picture, out),
                false => self.reorder.push(pts, frame.picture, order, out),
            }
        }
        Ok(())
    }
}

impl Run {
    fn new(sets: &ParameterSets, recovery: Option<f64>) -> Result<Self, Error> {
        let mut driver = Driver::new()?;
        driver.decode(&sets.units(), 0.0, false).map_err(|error| format!("parameter sets: {error}"))?;
        Ok(Self { driver, reference: None, unfinished: None, recovery })
    }

    fn decode(&mut self, units: &Units, pts: f64) -> Result<Option<Frame>, Error> {
        if self.unfinished.is_some_and(|unfinished| unfinished != pts) && units.slices > 0 {
            return Err("a picture has not all of its slices".to_owned());
        }
        if units.bytes.is_empty() || self.recovery.is_some_and(|recovery| pts < recovery && !units.referred) {
            return Ok(None);
        }
        let as_idr = self.recovery == Some(pts);
        match self.driver.decode(&units.bytes, pts, as_idr)? {
            Decoded::Nothing if units.slices > 0 => Err("slices without a picture".to_owned()),
            Decoded::Nothing => Ok(None),
            Decoded::Unfinished => {
                self.unfinished = Some(pts);
                Ok(None)
            }
            Decoded::Frame(frame) => {
                self.unfinished = None;
                self.judge(&frame, units.idr || as_idr)?;
                Ok(Some(frame))
            }
        }
    }

    /// Pictures that others refer to are counted: a gap is a loss, also where the stream allows gaps, as openh264 does not fill
    /// them (8.2.5.2).
    fn judge(&mut self, frame: &Frame, begins: bool) -> Result<(), Error> {
        if let Some(before) = self.reference.filter(|_| !begins) {
            let next = (before + 1) % frame.max_frame_num;
            if frame.frame_num != before && frame.frame_num != next {
                return Err(format!("frame_num {} after {before}: a reference is lost", frame.frame_num));
            }
        }
        if frame.is_reference {
            self.reference = Some(if frame.resets_frame_num { 0 } else { frame.frame_num });
        }
        Ok(())
    }
}
