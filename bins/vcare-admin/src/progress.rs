//! How far long work is. For people only: nothing is drawn where standard error is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// So much is to be done; told by `inc`, and taken away when it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Work in steps that can be counted.
    pub fn of(what: &'static str, steps: usize) -> Self {
        let bar = ProgressBar::new(steps as u64).with_message(what);
        // A template that does not parse is the plain bar.
        let style =
            ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}").unwrap_or(ProgressStyle::default_bar());
        Self::begun(bar.with_style(style))
    }

    /// Work of which nobody knows how much it is.
    pub fn unknown(what: &'static str) -> Self {
        let bar = Self::begun(ProgressBar::new_spinner().with_message(what));
        bar.0.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn begun(bar: ProgressBar) -> Self {
        bar.tick();
        Self(bar)
    }

    /// One step is done.
    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
