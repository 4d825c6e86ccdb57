//! BLAKE2b-512 (RFC 7693) whose state can be taken out and put back: a `.ptau` file holds the hash of each response
//! before its last update. No published crate gives its state away.

/// Bytes of a block.
const BLOCK: usize = 128;
/// Bytes of a state in a `.ptau` file.
pub(super) const STATE: usize = 216;

/// The same as of SHA-512.
const IV: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The order of the message's words in each round. The last two rounds take that of the first two.
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// A hash that has taken some input.
#[derive(Clone)]
pub(super) struct Blake2b {
    chain: [u64; 8],
    /// The last block, which waits until more input shows that it is not the last of all.
    block: [u8; BLOCK],
    /// Bytes in `block`.
    filled: usize,
    /// Bytes compressed.
    compressed: u64,
}

impl Default for Blake2b {
    fn default() -> Self {
        let mut chain = IV;
        // No key, and 64 bytes of output.
        chain[0] ^= 0x0101_0040;
        Self { chain, block: [0; BLOCK], filled: 0, compressed: 0 }
    }
}

impl Blake2b {
    pub(super) fn update(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            if self.filled == BLOCK {
                let block = self.block;
                self.compress(&block, BLOCK, false);
                self.filled = 0;
            }
            if self.filled == 0 {
                // All whole blocks but the last one, where they are.
                while let Some((block, rest)) = input.split_first_chunk::<BLOCK>().filter(|(_, rest)| !rest.is_empty())
                {
                    self.compress(block, BLOCK, false);
                    input = rest;
                }
            }
            let (head, tail) = input.split_at(input.len().min(BLOCK - self.filled));
            self.block[self.filled..self.filled + head.len()].copy_from_slice(head);
            self.filled += head.len();
            input = tail;
        }
    }

    pub(super) fn finish(mut self) -> [u8; 64] {
        let mut block = self.block;
        block[self.filled..].fill(0);
        self.compress(&block, self.filled, true);
        let mut digest = [0; 64];
        for (bytes, word) in digest.chunks_exact_mut(8).zip(self.chain) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }

    /// Bytes taken so far.
    pub(super) fn length(&self) -> u64 {
        self.compressed + self.filled as u64
    }

    /// The state as blake2b-wasm keeps it in memory: the block, the chaining value, the bytes compressed and those in the
    /// block, and a word that is set when the hash is finished; words little-endian.
    pub(super) fn state(&self) -> [u8; STATE] {
        let mut state = [0; STATE];
        let (block, words) = state.split_at_mut(BLOCK);
        block[..self.filled].copy_from_slice(&self.block[..self.filled]);
        let values = self.chain.into_iter().chain([self.compressed, self.filled as u64]);
        for (bytes, word) in words.chunks_exact_mut(8).zip(values) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        state
    }

    /// Puts a state back; `None` if no input leads to it.
    pub(super) fn from_state(state: &[u8; STATE]) -> Option<Self> {
        let (block, words) = state.split_first_chunk::<BLOCK>()?;
        let mut words = words.chunks_exact(8).map(|w| w.try_into().map_or(0, u64::from_le_bytes));
        let mut hash = Self { block: *block, ..Self::default() };
        for (value, word) in hash.chain.iter_mut().zip(words.by_ref()) {
            *value = word;
        }
        hash.compressed = words.next()?;
        hash.filled = words.next()?.try_into().ok()?;
        let possible = hash.filled <= BLOCK && hash.compressed.is_multiple_of(BLOCK as u64) && words.next()? == 0;
        (possible && hash.compressed < 1 << 56).then_some(hash)
    }

    fn compress(&mut self, block: &[u8; BLOCK], bytes: usize, last: bool) {
        self.compressed += bytes as u64;
        let mut m = [0; 16];
        for (word, bytes) in m.iter_mut().zip(block.chunks_exact(8)) {
            *word = bytes.try_into().map_or(0, u64::from_le_bytes);
        }
        let mut v = [0; 16];
        v[..8].copy_from_slice(&self.chain);
        v[8..].copy_from_slice(&IV);
        v[12] ^= self.compressed;
        if last {
            v[14] = !v[14];
        }
        for s in SIGMA.iter().chain(&SIGMA[..2]) {
            mix(&mut v, [0, 4, 8, 12], m[s[0]], m[s[1]]);
            mix(&mut v, [1, 5, 9, 13], m[s[2]], m[s[3]]);
            mix(&mut v, [2, 6, 10, 14], m[s[4]], m[s[5]]);
            mix(&mut v, [3, 7, 11, 15], m[s[6]], m[s[7]]);
            mix(&mut v, [0, 5, 10, 15], m[s[8]], m[s[9]]);
            mix(&mut v, [1, 6, 11, 12], m[s[10]], m[s[11]]);
            mix(&mut v, [2, 7, 8, 13], m[s[12]], m[s[13]]);
            mix(&mut v, [3, 4, 9, 14], m[s[14]], m[s[15]]);
        }
        for (i, value) in self.chain.iter_mut().enumerate() {
            *value ^= v[i] ^ v[i + 8];
        }
    }
}

#[inline(always)]
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4], x: u64, y: u64) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}

#[cfg(test)]
mod tests {
    use blake2::{Blake2b512, Digest as _};

    use super::{BLOCK, Blake2b, STATE};

    /// RFC 7693, appendix A.
    #[test]
    fn digest_of_the_specification() {
        let expected = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
                        7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
        let mut hash = Blake2b::default();
        hash.update(b"abc");
        assert_eq!(hex::encode(hash.finish()), expected);
    }

    #[test]
    fn agrees_with_another_implementation_wherever_it_is_interrupted() {
        let input: Vec<u8> = (0..1000u32).map(|i| (i * i) as u8).collect();
        for length in [0, 1, 127, 128, 129, 255, 256, 257, 384, 1000] {
            let expected: [u8; 64] = Blake2b512::digest(&input[..length]).into();
            for cut in (0..=length).step_by(31).chain([length.min(BLOCK), length]) {
                let mut hash = Blake2b::default();
                hash.update(&input[..cut]);
                assert_eq!(hash.length(), cut as u64);
                let mut resumed = Blake2b::from_state(&hash.state()).unwrap();
                resumed.update(&input[cut..length]);
                assert_eq!(resumed.finish(), expected, "{length} bytes, cut at {cut}");
            }
        }
    }

    #[test]
    fn impossible_states_are_refused() {
        let state = Blake2b::default().state();
        let changed = |at: usize, value: u8| {
            let mut changed = state;
            changed[at] = value;
            Blake2b::from_state(&changed).is_none()
        };
        assert!(changed(192, 1), "bytes compressed are no multiple of a block");
        assert!(changed(199, 1), "more input than there is");
        assert!(changed(200, 129) && changed(207, 1), "more than a block in the block");
        assert!(changed(STATE - 1, 1), "finished");
        assert!(!changed(200, 128));
    }
}
