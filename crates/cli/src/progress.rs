//! A bar on a terminal, silence elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use sori_contracts::{Progress, ProgressReport};

pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(100) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg} {elapsed}")
            .expect("the template is well formed");
        bar.set_style(style);
        Self { bar }
    }

    pub(crate) fn set(&self, percent: u8, text: &str) {
        self.bar.set_position(u64::from(percent));
        self.bar.set_message(text.to_owned());
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl ProgressReport for Bar {
    fn report(&self, progress: Progress) {
        let lines = format!("{}/{}", progress.lines_done, progress.lines_total);
        let cached = if progress.lines_cached > 0 {
            format!(", {} cached", progress.lines_cached)
        } else {
            String::new()
        };
        let text = format!("{} {lines}{cached}", progress.stage);
        self.set(progress.percent, &text);
    }
}
