//! Files for packages: completion scripts and manual pages, made from the declarations of the flags.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;

use super::exit::{Exit, Failure};
use super::{Cli, Console};

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: clap_complete::Shell, console: &mut Console) -> Result<Exit, Failure> {
    // Into memory first: the generator panics when a write fails, and a closed pipe is no reason to.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "assidu", &mut script);
    console.write_all(&script)?;
    Ok(Exit::Done)
}

/// Prints the page of the program, or writes the pages of all commands into a folder.
pub(crate) fn man(out: Option<&Path>, console: &mut Console) -> Result<Exit, Failure> {
    match out {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            console.write_all(&page)?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use engine::Lang;

    use super::*;

    #[test]
    fn every_shell_has_a_script() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Fish, clap_complete::Shell::Zsh] {
            let (mut console, out, _) = Console::captured(Lang::En);
            completions(shell, &mut console).unwrap();
            assert!(out.text().contains("snapshots"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let (mut console, out, _) = Console::captured(Lang::En);
        man(Some(folder.path()), &mut console).unwrap();
        for page in ["assidu.1", "assidu-load.1", "assidu-store-vacuum.1"] {
            assert!(folder.path().join(page).exists(), "{page}");
        }
        man(None, &mut console).unwrap();
        assert!(out.text().contains("assidu"));
    }
}
