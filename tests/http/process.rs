//! A server in a process of its own.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A server in a process of its own, whose log goes to a file.
pub(super) struct Process {
    child: Child,
    /// Address that it serves, such as `http://127.0.0.1:1234`.
    pub(super) root: String,
    /// Holds the store and the log.
    pub(super) folder: TempDir,
}

impl Process {
    /// Starts a server on the store `store` in a folder; `log` says what is logged.
    pub(super) async fn start(folder: TempDir, log: &str, flags: &[&str]) -> Result<Self> {
        let path = folder.path().join("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_assidu-child"))
            .current_dir(folder.path())
            .args(["--store", "store", "--lang", "en", "--log", log, "serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stderr(std::fs::File::create(&path)?)
            .spawn()?;
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let text = std::fs::read_to_string(&path)?;
            let told = text.lines().find_map(|line| line.strip_prefix("serving store on ")?.split(';').next());
            if let Some(root) = told {
                return Ok(Self { child, root: root.to_owned(), folder });
            }
            if child.try_wait()?.is_some() || Instant::now() > end {
                child.kill()?;
                anyhow::bail!("the server does not start: {text}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A folder with a store that holds one token and nothing else.
    pub(super) fn folder() -> Result<TempDir> {
        let folder = tempfile::tempdir()?;
        let label = ["--store", "store", "token", "create", "--label", "x", "--scope", "admin"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_assidu-child"));
        let made = command.current_dir(folder.path()).args(label).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(folder)
    }

    /// Where the log is.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status()?;
        ensure!(done.success(), "kill: {done}");
        Ok(())
    }

    /// The exit code, once the process ends.
    pub(super) fn wait(&mut self) -> Result<Option<i32>> {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        Err(anyhow::anyhow!("the server does not end")).context("20 s after a signal")
    }
}
