//! Progress of a load, drawn on a terminal.

use std::sync::Arc;
use std::time::Duration;

use engine::Lang;
use engine::load::{LoadStep, Progress, Silent};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Console;

/// How often the bar moves by itself, so that long steps look alive.
const TICK: Duration = Duration::from_millis(120);

/// Draws a bar of bytes read, with the step and the file beside it.
pub(crate) struct Bar {
    bar: ProgressBar,
    lang: Lang,
}

impl Bar {
    /// A bar for inputs of so many bytes in total, where that is known.
    fn new(total: Option<u64>, lang: Lang) -> Self {
        let template = match total {
            Some(_) => "{spinner} {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {wide_msg}",
            None => "{spinner} {bytes}  {bytes_per_sec}  {wide_msg}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self { bar, lang }
    }

    /// Takes the bar off the screen.
    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn file(&self, name: &str, _bytes: Option<u64>) {
        self.bar.set_message(name.to_owned());
    }

    fn read(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn step(&self, step: LoadStep) {
        let message = match (step, self.lang) {
            (LoadStep::Reading, _) => return,
            (LoadStep::Writing, Lang::En) => "sorting and writing",
            (LoadStep::Writing, Lang::Fr) => "tri et écriture",
            (LoadStep::Committing, Lang::En) => "committing",
            (LoadStep::Committing, Lang::Fr) => "validation",
        };
        self.bar.set_message(message);
    }
}

/// The progress of one load, and how to end it.
pub(crate) enum Shown {
    /// On a terminal.
    Bar(Arc<Bar>),
    /// Elsewhere.
    Nothing,
}

impl Shown {
    /// A bar when somebody looks, nothing otherwise.
    pub(crate) fn on(console: &Console, total: Option<u64>) -> Self {
        if console.err_is_terminal { Self::Bar(Arc::new(Bar::new(total, console.lang()))) } else { Self::Nothing }
    }

    /// What the engine reports to.
    pub(crate) fn receiver(&self) -> Arc<dyn Progress> {
        match self {
            Self::Bar(bar) => {
                let bar: Arc<Bar> = Arc::clone(bar);
                bar
            }
            Self::Nothing => Arc::new(Silent),
        }
    }
}

impl Drop for Shown {
    /// However the load ended, the terminal belongs to what comes next.
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.clear();
        }
    }
}
