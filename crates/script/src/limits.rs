//! How much a reader takes before it says no.

/// Limits of one script. A file beyond one of them is an ordinary error with a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file before decoding.
    pub max_bytes: usize,
    /// Items of a script: lines, pauses and chapters together.
    pub max_lines: usize,
    /// Unicode scalars of one spoken line, and of one physical line of a text file.
    pub max_line_chars: usize,
    pub max_speakers: usize,
    /// Unicode scalars of a speaker's key or display name.
    pub max_name_chars: usize,
    /// Unicode scalars of a title, an author, a style or an identifier.
    pub max_field_chars: usize,
    /// Nesting of a JSON document.
    pub max_depth: usize,
    /// Problems told before the rest is only counted.
    pub max_problems: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 8 * 1024 * 1024,
            max_lines: 20_000,
            max_line_chars: 5_000,
            max_speakers: 200,
            max_name_chars: 80,
            max_field_chars: 2_000,
            max_depth: 32,
            max_problems: 100,
        }
    }
}
