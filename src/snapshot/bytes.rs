//! Fields at fixed offsets.

/// The bytes of a field. The offset is within `bytes`, which whoever asks has checked.
pub(super) fn field<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    std::array::from_fn(|place| bytes[offset + place])
}
