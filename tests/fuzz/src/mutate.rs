//! Inputs made of others by words and lines, where libFuzzer alone changes bytes: a name that is empty, a member with
//! the value of another, a document that is given twice. Every other input is left to libFuzzer.

/// What stands for nothing, or for more than it should.
const WORDS: [&str; 16] = [
    "", "\"\"", "null", "[]", "{}", "0", "-1", "1e400", "true", "x", ".", "/", "*", ":", "\u{e9}", "\u{feff}",
];

/// Makes the next input of one that fills `size` bytes of `room`, of which it may fill `most`; how large it is.
pub fn mutate(room: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    if random.below(2) == 0 {
        return libfuzzer_sys::fuzzer_mutate(room, size, most);
    }
    let before = room[..size].to_vec();
    let by_line = random.below(3) == 0;
    let mut pieces = if by_line { lines(&before) } else { words(&before) };
    for _ in 0..=random.below(3) {
        change(&mut pieces, by_line, &mut random);
    }
    let after = pieces.concat();
    let size = after.len().min(most);
    room[..size].copy_from_slice(&after[..size]);
    size
}

fn change<'t>(pieces: &mut Vec<&'t [u8]>, by_line: bool, random: &mut Random) {
    if pieces.is_empty() {
        return;
    }
    let (at, other) = (random.below(pieces.len()), random.below(pieces.len()));
    match random.below(5) {
        0 => drop(pieces.remove(at)),
        1 => pieces[at] = pieces[other],
        2 => pieces.insert(at, pieces[other]),
        3 => pieces.swap(at, other),
        _ if by_line => pieces.insert(at, &[0xFF]),
        _ => pieces[at] = WORDS[random.below(WORDS.len())].as_bytes(),
    }
}

/// Lines, each with its end: it may be that of a text of several too.
fn lines(input: &[u8]) -> Vec<&[u8]> {
    input.split_inclusive(|byte| matches!(byte, b'\n' | 0xFF)).collect()
}

/// Words and numbers, and each byte between them.
fn words(input: &[u8]) -> Vec<&[u8]> {
    input.chunk_by(|one, next| is_of_word(*one) && is_of_word(*next)).collect()
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The generator of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}
