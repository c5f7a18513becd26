//! One-dimensional convolution of 8-bit integers, the nine tenths of Kokoro's work.
//!
//! Samples are unsigned bytes with one zero point, weights signed bytes, sums exact 32-bit integers. Rows are moments,
//! columns channels, so that the channels of a moment lie side by side.
//!
//! Without an instruction that adds four products into 32 bits (VNNI), AVX2 needs three for that. Two of them go
//! away most of the time: products of pairs are summed in 16 bits for as long as the weights at hand prove that they
//! cannot overflow, which [`Weights::pack`] works out once ([`Weights::runs`]).

use std::ops::Range;

/// Channels that one step of the inner loop takes from a moment.
const GROUP: usize = 4;
/// Output channels of one tile: two AVX2 registers of eight.
pub(super) const TILE: usize = 16;
/// Groups whose 16-bit sums are looked at together.
const SEGMENT: usize = 8;
/// What the weights of one sign that meet in one 16-bit sum may add up to: 128 * 255 < 2^15.
const MOST: i32 = 128;

/// The weights of one layer, in the order in which the inner loop reads them.
pub(super) struct Weights {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) taps: usize,
    pub(super) dilation: usize,
    /// `[tile of outputs][tap][group of inputs][output in the tile][input in the group]`.
    packed: Vec<i8>,
    /// `[tile of outputs][tap][segment]`: how many groups may be summed in 16 bits.
    runs: Vec<u8>,
    /// By output, for the zero point of the samples.
    sums: Vec<i32>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("{0} numbers for {1} x {2} x {3} weights")]
    Size(usize, usize, usize, usize),
    #[error("{0} inputs and {1} outputs are no whole groups and tiles")]
    Shape(usize, usize),
    #[error("two neighbouring weights add up to {0}, more than {MOST}")]
    TooLarge(i32),
}

impl Weights {
    /// `weights` are `[output][input][tap]` as ONNX has them, less their zero point. The window is centred; `taps` is odd.
    pub(super) fn pack(
        weights: &[i16],
        [outputs, inputs, taps]: [usize; 3],
        dilation: usize,
    ) -> Result<Self, Unfit> {
        if weights.len() != outputs * inputs * taps {
            return Err(Unfit::Size(weights.len(), outputs, inputs, taps));
        }
        if !inputs.is_multiple_of(GROUP * SEGMENT) || !outputs.is_multiple_of(TILE) || taps.is_multiple_of(2)
        {
            return Err(Unfit::Shape(inputs, outputs));
        }
        let at = |output: usize, input: usize, tap: usize| weights[(output * inputs + input) * taps + tap];
        let mut packed = Vec::with_capacity(weights.len());
        let mut runs = Vec::new();
        for tile in (0..outputs).step_by(TILE) {
            for tap in 0..taps {
                for first in (0..inputs).step_by(GROUP * SEGMENT) {
                    let segment =
                        |output: usize, input: usize| i32::from(at(tile + output, first + input, tap));
                    runs.push(run_of(&segment)?);
                    for input in (first..first + GROUP * SEGMENT).step_by(GROUP) {
                        for output in tile..tile + TILE {
                            packed.extend((0..GROUP).map(|k| at(output, input + k, tap) as i8));
                        }
                    }
                }
            }
        }
        let sums = weights.chunks(inputs * taps).map(|of| of.iter().map(|&w| i32::from(w)).sum()).collect();
        Ok(Self { inputs, outputs, taps, dilation, packed, runs, sums })
    }

    /// Rows that a moment looks at before and after itself.
    pub(super) fn reach(&self) -> usize {
        self.taps / 2 * self.dilation
    }

    /// The sum of a tile of outputs for the rows `rows` of the result: `samples` begins [`Weights::reach`] rows before
    /// the first row of the result. `take` gets each row with its sums, the zero point's share taken off.
    pub(super) fn convolve(
        &self,
        samples: &[u8],
        zero_point: u8,
        tile: usize,
        rows: Range<usize>,
        mut take: impl FnMut(usize, &[i32; TILE]),
    ) {
        assert!(samples.len() >= (rows.end + 2 * self.reach()) * self.inputs, "rows beyond the samples");
        let outputs = tile * TILE..(tile + 1) * TILE;
        let shares: [i32; TILE] =
            std::array::from_fn(|k| self.sums[outputs.start + k] * i32::from(zero_point));
        let per_tile = self.taps * self.inputs * TILE;
        let part = Part {
            samples,
            packed: &self.packed[tile * per_tile..][..per_tile],
            runs: &self.runs[tile * self.taps * self.segments()..][..self.taps * self.segments()],
            inputs: self.inputs,
            step: self.dilation * self.inputs,
        };
        let kernel = Kernel::of_this_machine();
        let mut row = rows.start;
        let mut sums = [[0; TILE]; MOST_ROWS];
        while row < rows.end {
            let count = MOST_ROWS.min(rows.end - row);
            kernel.run(&part, row, &mut sums[..count]);
            for (k, sums) in sums[..count].iter_mut().enumerate() {
                for (sum, share) in sums.iter_mut().zip(&shares) {
                    *sum -= share;
                }
                take(row + k, sums);
            }
            row += count;
        }
    }

    fn segments(&self) -> usize {
        self.inputs / (GROUP * SEGMENT)
    }
}

/// How many groups of a segment may be summed in 16 bits: the largest power of two at which the weights of one sign
/// never add up to more than [`MOST`].
fn run_of(weight: &dyn Fn(usize, usize) -> i32) -> Result<u8, Unfit> {
    let mut run = SEGMENT;
    loop {
        let mut worst = 0;
        for output in 0..TILE {
            for pair in 0..GROUP / 2 {
                for first in (0..SEGMENT).step_by(run) {
                    let (mut above, mut below) = (0, 0);
                    for group in first..first + run {
                        for input in 0..2 {
                            let weight = weight(output, group * GROUP + pair * 2 + input);
                            above += weight.max(0);
                            below -= weight.min(0);
                        }
                    }
                    worst = worst.max(above).max(below);
                }
            }
        }
        if worst <= MOST {
            return Ok(run as u8);
        }
        if run == 1 {
            return Err(Unfit::TooLarge(worst));
        }
        run /= 2;
    }
}

/// Rows of one call of the inner loop: with two registers of outputs, twelve running sums.
const MOST_ROWS: usize = 6;

/// What the inner loop reads.
struct Part<'a> {
    samples: &'a [u8],
    packed: &'a [i8],
    runs: &'a [u8],
    inputs: usize,
    /// Bytes from tap to tap.
    step: usize,
}

#[derive(Clone, Copy)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    fn of_this_machine() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Portable
    }

    /// Writes the sums of `sums.len()` rows from `row` on.
    fn run(self, part: &Part<'_>, row: usize, sums: &mut [[i32; TILE]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::run(part, row, sums),
            Self::Portable => portable(part, row, sums),
        }
    }
}

fn portable(part: &Part<'_>, row: usize, sums: &mut [[i32; TILE]]) {
    for (k, sums) in sums.iter_mut().enumerate() {
        *sums = [0; TILE];
        let mut weights = part.packed.chunks_exact(TILE * GROUP);
        for tap in 0..part.packed.len() / (part.inputs * TILE) {
            let samples = &part.samples[(row + k) * part.inputs + tap * part.step..][..part.inputs];
            for (group, weights) in samples.chunks_exact(GROUP).zip(&mut weights) {
                for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(GROUP)) {
                    let products = group.iter().zip(weights).map(|(&s, &w)| i32::from(s) * i32::from(w));
                    *sum += products.sum::<i32>();
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "vector loads from slices whose bounds are checked before, and a checked CPU feature"
)]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
        _mm256_storeu_si256,
    };

    use super::{GROUP, Part, SEGMENT, TILE};

    /// Bytes of one register.
    const WIDTH: usize = 32;

    pub(super) fn run(part: &Part<'_>, row: usize, sums: &mut [[i32; TILE]]) {
        let taps = part.packed.len() / (part.inputs * TILE);
        let last = (row + sums.len() - 1) * part.inputs + (taps - 1) * part.step + part.inputs;
        assert!(!sums.is_empty() && last <= part.samples.len(), "rows beyond the samples");
        assert_eq!(part.packed.len(), part.runs.len() * SEGMENT * GROUP * TILE, "a run for each segment");
        // SAFETY: the CPU has AVX2 (`Kernel::of_this_machine`), and the asserts are what `rows` asks for.
        unsafe {
            match sums.len() {
                1 => rows::<1>(part, row, sums),
                2 => rows::<2>(part, row, sums),
                3 => rows::<3>(part, row, sums),
                4 => rows::<4>(part, row, sums),
                5 => rows::<5>(part, row, sums),
                _ => rows::<6>(part, row, sums),
            }
        }
    }

    /// # Safety
    /// The CPU has AVX2, `samples` holds all taps of `ROWS` rows from `row` on, `packed` and `runs` belong together.
    #[target_feature(enable = "avx2")]
    unsafe fn rows<const ROWS: usize>(part: &Part<'_>, row: usize, sums: &mut [[i32; TILE]]) {
        let ones = _mm256_set1_epi16(1);
        let mut wide = [[_mm256_setzero_si256(); 2]; ROWS];
        let mut weights = part.packed.as_ptr();
        let segments = part.inputs / (SEGMENT * GROUP);
        let mut runs = part.runs.as_ptr();
        let mut tap = part.samples[row * part.inputs..].as_ptr();
        for _ in 0..part.runs.len() / segments {
            let mut samples = tap;
            for _ in 0..segments {
                // SAFETY: one run for each segment.
                let run = usize::from(unsafe { *runs });
                for _ in 0..SEGMENT / run {
                    let mut narrow = [[_mm256_setzero_si256(); 2]; ROWS];
                    for _ in 0..run {
                        // SAFETY: 64 bytes of weights for each group.
                        let (left, right) = unsafe {
                            (
                                _mm256_loadu_si256(weights.cast::<__m256i>()),
                                _mm256_loadu_si256(weights.add(WIDTH).cast::<__m256i>()),
                            )
                        };
                        for (k, narrow) in narrow.iter_mut().enumerate() {
                            // SAFETY: the rows are there, whole groups of them.
                            let group =
                                unsafe { samples.add(k * part.inputs).cast::<i32>().read_unaligned() };
                            let group = _mm256_set1_epi32(group);
                            narrow[0] = _mm256_add_epi16(narrow[0], _mm256_maddubs_epi16(group, left));
                            narrow[1] = _mm256_add_epi16(narrow[1], _mm256_maddubs_epi16(group, right));
                        }
                        // SAFETY: at most one past the end.
                        unsafe {
                            weights = weights.add(2 * WIDTH);
                            samples = samples.add(GROUP);
                        }
                    }
                    for (wide, narrow) in wide.iter_mut().zip(narrow) {
                        wide[0] = _mm256_add_epi32(wide[0], _mm256_madd_epi16(narrow[0], ones));
                        wide[1] = _mm256_add_epi32(wide[1], _mm256_madd_epi16(narrow[1], ones));
                    }
                }
                // SAFETY: at most one past the end.
                runs = unsafe { runs.add(1) };
            }
            tap = tap.wrapping_add(part.step);
        }
        for (sums, wide) in sums.iter_mut().zip(wide) {
            // SAFETY: sixteen integers are two registers.
            unsafe {
                _mm256_storeu_si256(sums.as_mut_ptr().cast(), wide[0]);
                _mm256_storeu_si256(sums.as_mut_ptr().add(8).cast(), wide[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same each time.
    fn numbers(seed: u64) -> impl FnMut(i64) -> i64 {
        let mut state = seed | 1;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % below as u64) as i64
        }
    }

    /// Against the definition, by every kernel of this machine.
    #[track_caller]
    fn check(taps: usize, dilation: usize, rows: usize, weight: &mut dyn FnMut() -> i16) {
        let (inputs, outputs, zero_point) = (64, 32, 37_u8);
        let weights: Vec<i16> = (0..outputs * inputs * taps).map(|_| weight()).collect();
        let packed = Weights::pack(&weights, [outputs, inputs, taps], dilation).unwrap();
        let mut number = numbers(rows as u64);
        let samples: Vec<u8> = (0..(rows + 2 * packed.reach()) * inputs)
            .map(|_| [0, 255, number(256) as u8][number(3) as usize])
            .collect();
        for tile in 0..outputs / TILE {
            let mut seen = 0;
            packed.convolve(&samples, zero_point, tile, 0..rows, |row, sums| {
                assert_eq!(row, seen);
                seen += 1;
                for (k, sum) in sums.iter().enumerate() {
                    let mut expected = 0;
                    for input in 0..inputs {
                        for tap in 0..taps {
                            let sample = samples[(row + tap * dilation) * inputs + input];
                            let weight = weights[((tile * TILE + k) * inputs + input) * taps + tap];
                            expected += (i32::from(sample) - i32::from(zero_point)) * i32::from(weight);
                        }
                    }
                    assert_eq!(*sum, expected, "row {row}, output {k} of tile {tile}");
                }
            });
            assert_eq!(seen, rows);
        }
        let part = |row: usize| {
            let mut sums = [[[0; TILE]; MOST_ROWS]; 2];
            let part = Part {
                samples: &samples,
                packed: &packed.packed[..taps * inputs * TILE],
                runs: &packed.runs[..taps * packed.segments()],
                inputs,
                step: dilation * inputs,
            };
            Kernel::of_this_machine().run(&part, row, &mut sums[0][..1]);
            portable(&part, row, &mut sums[1][..1]);
            assert_eq!(sums[0][0], sums[1][0], "the kernels agree");
        };
        part(0);
        part(rows - 1);
    }

    #[test]
    fn sums_are_those_of_the_definition() {
        let mut number = numbers(1);
        for (taps, dilation, rows) in [(1, 1, 1), (3, 1, 7), (3, 5, 13), (7, 3, 6), (11, 5, 20)] {
            check(taps, dilation, rows, &mut || (number(33) - 16) as i16);
        }
    }

    #[test]
    fn sums_of_the_largest_weights_do_not_overflow() {
        for run in [1, 2, 4, 8] {
            // As many of the largest samples as the run allows, all of one sign, then the same with the other.
            let largest = (MOST / 2) as i16 / run;
            let mut sign = 0;
            check(3, 1, 9, &mut || {
                sign += 1;
                if sign / 1_000 % 2 == 0 { largest } else { -largest }
            });
        }
    }

    #[test]
    fn weights_that_could_overflow_are_refused() {
        let weights = |value: i16| vec![value; 16 * 32];
        let packed = |value| Weights::pack(&weights(value), [16, 32, 1], 1);
        assert!(packed(64).is_ok());
        assert_eq!(packed(65).err(), Some(Unfit::TooLarge(130)));
        assert_eq!(packed(-65).err(), Some(Unfit::TooLarge(130)));
        assert_eq!(Weights::pack(&weights(1), [16, 32, 2], 1).err(), Some(Unfit::Size(512, 16, 32, 2)));
        assert_eq!(Weights::pack(&[0; 16 * 30], [16, 30, 1], 1).err(), Some(Unfit::Shape(30, 16)));
    }
}
