//! Bodies of polls: packed, and told apart.

use std::io::Write as _;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Enough to tell two data sets apart.
pub(super) fn crc_of(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

pub(super) fn gzip_bomb(bytes: usize) -> Bytes {
    static PIECE: [u8; 1 << 16] = [b' '; 1 << 16];
    gzip(std::iter::repeat_n(&PIECE[..], bytes.div_ceil(PIECE.len())))
}

pub(super) fn gzip<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // A vector takes every byte, so neither can fail; a body cut short would be noticed by whoever reads it.
    for piece in pieces {
        if encoder.write_all(piece).is_err() {
            break;
        }
    }
    encoder.finish().unwrap_or_default().into()
}
