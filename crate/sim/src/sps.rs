//! The least H.264 configuration that says how large the picture is and how far it is reordered.

use bytes::{BufMut, Bytes, BytesMut};

const BASELINE: [u8; 3] = [66, 0xc0, 31];
const MAIN: [u8; 3] = [77, 0x40, 31];
const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.used % 8);
        }
        self.used += 1;
    }

    /// Exp-Golomb (9.1).
    fn ue(&mut self, value: u32) {
        let code = value + 1;
        let length = 32 - code.leading_zeros();
        for i in 0..2 * length - 1 {
            let shift = 2 * length - 2 - i;
            self.bit(shift < length && code >> shift & 1 == 1);
        }
    }
}

/// An avcC record (ISO/IEC 14496-15, 5.3.3.1) for pictures of whole macroblocks.
pub fn avcc(width: u32, height: u32, reorder_depth: u8) -> Bytes {
    let profile = if reorder_depth == 0 { BASELINE } else { MAIN };
    let sps = sps(profile, width, height, reorder_depth);
    let mut out = BytesMut::new();
    out.put_u8(1);
    out.put_slice(&profile);
    out.put_slice(&[0xff, 0xe1]);
    out.put_u16(sps.len() as u16);
    out.put_slice(&sps);
    out.put_u8(1);
    out.put_u16(PPS.len() as u16);
    out.put_slice(&PPS);
    out.freeze()
}

/// seq_parameter_set_data (7.3.2.1.1), a NAL unit with its header.
fn sps(profile: [u8; 3], width: u32, height: u32, reorder_depth: u8) -> Vec<u8> {
    let mut b = Bits::default();
    b.ue(0); // seq_parameter_set_id
    b.ue(0); // log2_max_frame_num_minus4
    if reorder_depth == 0 {
        b.ue(2); // pic_order_cnt_type: output order is decoding order
    } else {
        b.ue(0);
        b.ue(4); // log2_max_pic_order_cnt_lsb_minus4
    }
    b.ue(u32::from(reorder_depth) + 1); // max_num_ref_frames
    b.bit(false);
    b.ue(width.div_ceil(16) - 1);
    b.ue(height.div_ceil(16) - 1);
    b.bit(true); // frame_mbs_only_flag
    b.bit(true);
    b.bit(false); // frame_cropping_flag
    b.bit(reorder_depth > 0); // vui_parameters_present_flag
    if reorder_depth > 0 {
        (0..8).for_each(|_| b.bit(false));
        b.bit(true); // bitstream_restriction_flag
        b.bit(true);
        (0..4).for_each(|_| b.ue(0));
        b.ue(reorder_depth.into());
        b.ue(u32::from(reorder_depth) + 1);
    }
    b.bit(true); // rbsp_stop_one_bit
    let mut nal = vec![0x67];
    nal.extend(profile);
    nal.extend(b.bytes);
    nal
}
