//! Which blocks of an object are here, as a file: when each was used last, 0 for those that are not.

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"SORIMAP1";
const CHECK_BYTES: usize = 8;

/// `used_s`: seconds since 1970, one for each block.
pub(super) fn encode(used_s: &[u32]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(used_s.iter().flat_map(|used| used.to_le_bytes()));
    let check = Sha256::digest(&bytes);
    bytes.extend(&check[..CHECK_BYTES]);
    bytes
}

/// `None` for what was not written so, or not to its end.
pub(super) fn decode(bytes: &[u8], blocks: usize) -> Option<Vec<u32>> {
    let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
    let used = body.strip_prefix(MAGIC)?;
    if used.len() != blocks.checked_mul(4)? || Sha256::digest(body)[..CHECK_BYTES] != *check {
        return None;
    }
    let four = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
    used.chunks_exact(4).map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for used in [vec![], vec![0], vec![0, 1, u32::MAX, 7]] {
            assert_eq!(decode(&encode(&used), used.len()), Some(used));
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_nothing() {
        let good = encode(&[1, 2, 3]);
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length], 3), None, "{length}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad, 3), None, "{at}");
        }
        assert_eq!(decode(&good, 2), None);
        assert_eq!(decode(&good, usize::MAX), None);
    }
}
