//! Random texts, of bytes that the caller gives.

/// As many lowercase letters and digits.
pub(super) fn text(length: u16, fill: &mut dyn FnMut(&mut [u8])) -> String {
    // Four bytes for each: then no character is likelier than another by more than one in 10^8, and unlike with bytes
    // that are thrown away, it ends whatever `fill` gives.
    let mut bytes = vec![[0; 4]; usize::from(length)];
    fill(bytes.as_flattened_mut());
    bytes.into_iter().filter_map(|bytes| char::from_digit(u32::from_be_bytes(bytes) % 36, 36)).collect()
}
