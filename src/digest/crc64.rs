//! CRC-64/XZ, the checksum that OSS and COS tell of what they store.
//!
//! <https://help.aliyun.com/zh/oss/user-guide/check-data-transmission-integrity-by-using-crc-64>

/// The reflected polynomial.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// Eight bytes are taken at once ("slicing-by-8"), four times as fast as one.
const LANES: usize = 8;

/// A checksum in the making.
pub struct Crc64 {
    state: u64,
    /// `tables[k][b]` is what byte `b` leaves behind `k` bytes later. Made at
    /// run time: 16 KB that nobody has to download.
    tables: Box<[[u64; 256]; LANES]>,
}

impl Crc64 {
    /// The checksum of nothing yet.
    #[allow(clippy::new_without_default)] // it is a beginning, not a default
    pub fn new() -> Self {
        let mut tables = Box::new([[0; 256]; LANES]);
        for byte in 0..256 {
            let mut value = byte as u64;
            for _ in 0..8 {
                value = (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            }
            tables[0][byte] = value;
        }
        for lane in 1..LANES {
            for byte in 0..256 {
                let before = tables[lane - 1][byte];
                tables[lane][byte] = (before >> 8) ^ tables[0][(before & 255) as usize];
            }
        }
        Self { state: !0, tables }
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        let tables = &*self.tables;
        let mut state = self.state;
        let (words, rest) = bytes.as_chunks::<LANES>();
        for word in words {
            let mixed = (state ^ u64::from_le_bytes(*word)).to_le_bytes();
            let at = |lane: usize| tables[LANES - 1 - lane][usize::from(mixed[lane])];
            // Written out: the size-minded compiler keeps loops, at a third of the speed.
            state = at(0) ^ at(1) ^ at(2) ^ at(3) ^ at(4) ^ at(5) ^ at(6) ^ at(7);
        }
        for byte in rest {
            state = (state >> 8) ^ tables[0][usize::from(state.to_le_bytes()[0] ^ byte)];
        }
        self.state = state;
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        !self.state
    }
}

/// The checksum of two runs of bytes, the second of `length`, from theirs.
///
/// Checksums are polynomials over GF(2), and bytes that follow multiply by a
/// power of x, modulo the polynomial.
pub fn combine(first: u64, second: u64, length: u64) -> u64 {
    let (mut factor, mut square, mut length) = (1 << 63, 1 << 55, length);
    while length > 0 {
        if length & 1 == 1 {
            factor = product(factor, square);
        }
        square = product(square, square);
        length >>= 1;
    }
    product(factor, first) ^ second
}

/// The product of two polynomials; the highest bit is the one of x^0.
fn product(a: u64, mut b: u64) -> u64 {
    let mut sum = 0;
    for bit in (0..64).rev() {
        if a >> bit & 1 == 1 {
            sum ^= b;
        }
        b = (b >> 1) ^ if b & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    sum
}
