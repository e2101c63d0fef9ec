//! MD5, which the `ETag` of a part is.
//!
//! By hand: `RustCrypto`'s unrolled rounds are three times as large, and an
//! `ETag` is looked at only where a browser hides the CRC-64. RFC 1321.

const BLOCK: usize = 64;

/// `floor(2^32 * |sin(i + 1)|)`.
const SINES: [u32; BLOCK] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// A digest in the making.
pub struct Md5 {
    state: [u32; 4],
    length: u64,
    rest: Vec<u8>,
}

impl Md5 {
    /// The digest of nothing yet.
    #[allow(clippy::new_without_default)] // it is a beginning, not a default
    pub fn new() -> Self {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        Self { state, length: 0, rest: Vec::new() }
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(BLOCK - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() < BLOCK {
                return;
            }
            let block = core::mem::take(&mut self.rest);
            self.compress(&block);
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            self.compress(block);
        }
        self.rest.extend_from_slice(rest);
    }

    /// The digest of all bytes.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        let mut end = vec![0x80];
        end.resize(1 + (119 - self.rest.len()) % BLOCK, 0);
        end.extend_from_slice(&bits.to_le_bytes());
        self.update(&end);
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    #[allow(clippy::many_single_char_names)] // the RFC's
    fn compress(&mut self, block: &[u8]) {
        let words = block.as_chunks::<4>().0;
        let [mut a, mut b, mut c, mut d] = self.state;
        for step in 0..BLOCK {
            let (mixed, word) = match step / 16 {
                0 => (d ^ (b & (c ^ d)), step),
                1 => (c ^ (d & (b ^ c)), 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let word = u32::from_le_bytes(words[word % 16]);
            let sum = a.wrapping_add(mixed).wrapping_add(SINES[step]).wrapping_add(word);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
        }
        for (word, add) in self.state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
}

// proptest does not build for wasm.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use md5::Digest as _;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_another_library_says_however_bytes_come(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            cut in 0usize..300,
        ) {
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let mut md5 = Md5::new();
            md5.update(head);
            md5.update(tail);
            prop_assert_eq!(md5.finish(), <[u8; 16]>::from(md5::Md5::digest(&bytes)));
        }
    }
}
