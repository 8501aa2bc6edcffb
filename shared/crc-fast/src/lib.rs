//! Stands in for the crate of the same name: the three checksums that S3 knows, out of its more than a hundred.
//!
//! The SDK of S3 can be built with that crate alone, whose tables are 0.75 MB of a function's binary. Results are
//! compressed before they are put, so a byte at a time is fast enough.

/// A checksum of S3's. All take the lowest bit first, begin with all bits set, and end with all bits turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32 as in Ethernet and gzip.
    Crc32IsoHdlc,
    /// CRC-32C, Castagnoli.
    Crc32Iscsi,
    /// CRC-64 as in NVM Express.
    Crc64Nvme,
}

/// What each byte does to a checksum.
type Table = [u64; 256];

static CRC32_ISO_HDLC: Table = table(0xEDB8_8320);
static CRC32_ISCSI: Table = table(0x82F6_3B78);
static CRC64_NVME: Table = table(0x9A6C_9329_AC4B_C9B5);

/// The table of a polynomial, given with its bits reversed.
const fn table(polynomial: u64) -> Table {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

impl CrcAlgorithm {
    fn table(self) -> &'static Table {
        match self {
            CrcAlgorithm::Crc32IsoHdlc => &CRC32_ISO_HDLC,
            CrcAlgorithm::Crc32Iscsi => &CRC32_ISCSI,
            CrcAlgorithm::Crc64Nvme => &CRC64_NVME,
        }
    }

    /// All bits of the checksum.
    const fn mask(self) -> u64 {
        match self {
            CrcAlgorithm::Crc32IsoHdlc | CrcAlgorithm::Crc32Iscsi => u32::MAX as u64,
            CrcAlgorithm::Crc64Nvme => u64::MAX,
        }
    }
}

/// A checksum of what has come so far.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    algorithm: CrcAlgorithm,
    value: u64,
}

impl Digest {
    /// The checksum of nothing.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self { algorithm, value: algorithm.mask() }
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        let table = self.algorithm.table();
        self.value = bytes.iter().fold(self.value, |value, byte| {
            let [lowest, ..] = value.to_le_bytes();
            table[usize::from(lowest ^ byte)] ^ value >> 8
        });
    }

    /// The checksum, in the lowest bits.
    pub fn finalize(&self) -> u64 {
        self.value ^ self.algorithm.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of parametrised CRC algorithms, <https://reveng.sourceforge.io/crc-catalogue/>.
    #[test]
    fn a_checksum_is_that_of_the_catalogue_however_the_bytes_come() {
        for (algorithm, expected) in [
            (CrcAlgorithm::Crc32IsoHdlc, 0xCBF4_3926),
            (CrcAlgorithm::Crc32Iscsi, 0xE306_9283),
            (CrcAlgorithm::Crc64Nvme, 0xAE8B_1486_0A79_9888),
        ] {
            for middle in 0..=9 {
                let mut digest = Digest::new(algorithm);
                let (first, last) = b"123456789".split_at(middle);
                digest.update(first);
                digest.update(last);
                assert_eq!(digest.finalize(), expected, "{algorithm:?} {middle}");
            }
            assert_eq!(Digest::new(algorithm).finalize(), 0, "{algorithm:?}");
        }
    }
}
