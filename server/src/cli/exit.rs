//! How a command ends.

use std::process::ExitCode;

use engine::{Error, ErrorKind, Lang, Text};

/// The exit codes; their numbers are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed; the reason is on standard error.
    Failed,
    /// 2: the command line is wrong; nothing was done.
    Usage,
    /// 3: finished, and some rows were rejected.
    Rejected,
    /// 4: refused, because another process holds a lock.
    Locked,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Rejected => 3,
            Self::Locked => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong in a way that only the command can see.
    Usage(Text),
    /// Everything else, with further lines that help, such as the name that was meant.
    Error(Error, Vec<Text>),
}

impl Failure {
    /// The exit code of this failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Error(error, _) if error.kind() == ErrorKind::Locked => Exit::Locked,
            Self::Error(..) => Exit::Failed,
        }
    }

    /// The failure for people: one line, and one more for every hint.
    pub(crate) fn describe(&self, lang: Lang) -> String {
        let label = match lang {
            Lang::En => "error:",
            Lang::Fr => "erreur :",
        };
        match self {
            Self::Usage(text) => format!("{label} {}", text.get(lang)),
            Self::Error(error, hints) => {
                let mut lines = format!("{label} {}", error.describe(lang));
                for hint in hints {
                    lines.push_str("\n  ");
                    lines.push_str(hint.get(lang));
                }
                lines
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error, Vec::new())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use engine::text;

    use super::*;

    #[test]
    fn kinds_of_failures_have_their_exit_codes() {
        let of = |kind| Failure::from(Error::new(kind, text!("x", "x"))).exit().code();
        assert_eq!(of(ErrorKind::Locked), 4);
        assert_eq!(of(ErrorKind::Invalid), 1);
        assert_eq!(of(ErrorKind::Bug), 1);
        assert_eq!(Failure::Usage(text!("x", "x")).exit().code(), 2);
        assert_eq!((Exit::Done.code(), Exit::Rejected.code()), (0, 3));
    }

    #[test]
    fn hints_stand_on_their_own_lines() {
        let error = Error::new(ErrorKind::Invalid, text!("no table `usr`", "aucune table `usr`"));
        let failure = Failure::Error(error, vec![text!("did you mean `user`?", "vouliez-vous dire `user` ?")]);
        assert_eq!(failure.describe(Lang::En), "error: no table `usr`\n  did you mean `user`?");
        assert_eq!(failure.describe(Lang::Fr), "erreur : aucune table `usr`\n  vouliez-vous dire `user` ?");
    }
}
