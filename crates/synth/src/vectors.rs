//! The voice of a speaker as Kokoro reads it: one style vector for each length of a phrase.

use crate::error::SynthError;

/// Rows of a voice: the longest phrase in symbols.
pub(crate) const ROWS: usize = 510;
/// Numbers in a style vector.
pub(crate) const COLUMNS: usize = 256;
const SIZE_BYTES: usize = ROWS * COLUMNS * size_of::<f32>();

/// 510 × 256 numbers; row *n* − 1 is the style for a phrase of *n* symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceVectors {
    numbers: Vec<f32>,
}

impl VoiceVectors {
    /// Reads the published form: 522,240 bytes, little-endian `f32`, row after row.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SynthError> {
        if bytes.len() != SIZE_BYTES {
            return Err(invalid(format!("there are {}", bytes.len())));
        }
        let (words, _) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(invalid("some numbers are not finite".into()));
        }
        Ok(Self { numbers })
    }

    /// A voice between others: their weighted mean. Weights need not sum to one, but must be above zero.
    pub fn blend(parts: &[(f32, &Self)]) -> Result<Self, SynthError> {
        let total: f32 = parts.iter().map(|(weight, _)| weight).sum();
        let usable = |weight: f32| weight.is_finite() && weight > 0.0;
        if !usable(total) || !parts.iter().all(|(weight, _)| usable(*weight)) {
            return Err(invalid("a blend needs weights above 0".into()));
        }
        if let [(_, only)] = parts {
            return Ok((*only).clone());
        }
        let mut numbers = vec![0.0; ROWS * COLUMNS];
        for (weight, voice) in parts {
            let share = weight / total;
            for (sum, number) in numbers.iter_mut().zip(&voice.numbers) {
                *sum += share * number;
            }
        }
        Ok(Self { numbers })
    }

    /// The style for a phrase of `symbols` symbols, not counting pads.
    pub(crate) fn style(&self, symbols: usize) -> &[f32] {
        let row = symbols.clamp(1, ROWS) - 1;
        &self.numbers[row * COLUMNS..][..COLUMNS]
    }
}

fn invalid(reason: String) -> SynthError {
    SynthError::VoiceInvalid { expected: SIZE_BYTES, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(value: impl Fn(usize) -> f32) -> VoiceVectors {
        let bytes: Vec<u8> = (0..ROWS * COLUMNS).flat_map(|index| value(index).to_le_bytes()).collect();
        VoiceVectors::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn the_style_of_a_phrase_is_the_row_of_its_length() {
        let voice = voice(|index| (index / COLUMNS) as f32);
        for (symbols, row) in [(1, 0.0), (2, 1.0), (510, 509.0), (600, 509.0)] {
            assert_eq!(voice.style(symbols), [row; COLUMNS], "{symbols}");
        }
    }

    #[test]
    fn a_blend_is_the_weighted_mean() {
        let (low, high) = (voice(|_| 1.0), voice(|_| 3.0));
        let blend = VoiceVectors::blend(&[(3.0, &low), (1.0, &high)]).unwrap();
        assert_eq!(blend.style(1), [1.5; COLUMNS]);
        assert_eq!(VoiceVectors::blend(&[(0.2, &high)]).unwrap(), high);
    }

    #[test]
    fn bytes_that_are_no_voice_are_refused() {
        let not_finite = [f32::NAN.to_le_bytes(); ROWS * COLUMNS].concat();
        for bytes in [&[][..], &vec![0; SIZE_BYTES - 1], &vec![0; SIZE_BYTES + 4], &not_finite] {
            assert_eq!(
                VoiceVectors::from_bytes(bytes).unwrap_err().code(),
                "VOICE_INVALID",
                "{}",
                bytes.len()
            );
        }
    }

    #[test]
    fn a_blend_without_usable_weights_is_refused() {
        let one = voice(|_| 1.0);
        let weights: [&[f32]; 5] = [&[], &[0.0], &[-1.0, 2.0], &[f32::NAN], &[f32::INFINITY]];
        for weights in weights {
            let parts: Vec<_> = weights.iter().map(|&weight| (weight, &one)).collect();
            assert_eq!(VoiceVectors::blend(&parts).unwrap_err().code(), "VOICE_INVALID", "{weights:?}");
        }
    }
}
