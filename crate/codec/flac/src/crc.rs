//! The two checksums of a frame (RFC 9639 9.1.8, 9.3), from tables made when this is compiled.

const fn table(polynomial: u16, top: u16) -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // As if the byte stood at the top of a sum of 8 or 16 bits.
        let mut sum = if top == 0x80 { byte as u16 } else { (byte as u16) << 8 };
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & top == 0 { sum << 1 } else { (sum << 1) ^ polynomial };
            bit += 1;
        }
        table[byte] = if top == 0x80 { sum & 0xff } else { sum };
        byte += 1;
    }
    table
}

static CRC8: [u16; 256] = table(0x07, 0x80);
static CRC16: [u16; 256] = table(0x8005, 0x8000);

pub fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0, |sum, byte| CRC8[usize::from(sum ^ byte)] as u8)
}

pub fn crc16(data: &[u8]) -> u16 {
    data.iter().fold(0, |sum, byte| sum << 8 ^ CRC16[usize::from((sum >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of CRC-8/SMBUS and CRC-16/UMTS in the catalogues.
    #[test]
    fn the_sums_are_those_of_the_standard() {
        assert_eq!(crc8(b"123456789"), 0xf4);
        assert_eq!(crc16(b"123456789"), 0xfee8);
    }
}
