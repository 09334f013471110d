//! The server as a process: which program it is, how it starts, and how it ends.
use std::{
    env,
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    account::lock,
    error::{Error, Result},
};

// It is ready within a second; a machine under load takes longer.
const START: Duration = Duration::from_secs(60);
const ADDRESS: &str = "export S2_ACCOUNT_ENDPOINT=";

/// A program with its first arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl Program {
    fn show(&self) -> String {
        let path = self.path.display().to_string();
        [&*path].into_iter().chain(self.arguments.iter().copied()).collect::<Vec<_>>().join(" ")
    }
}

/// Return the program: that in `S2MOCK_BIN`, else `s2mock` on the PATH, else a Python there.
pub(crate) fn find_program(bin: Option<&OsStr>, path: Option<&OsStr>) -> Result<Program> {
    if let Some(bin) = bin.filter(|bin| !bin.is_empty()) {
        let path = PathBuf::from(bin);
        if !path.is_file() {
            return Err(Error::Start(format!(
                "S2MOCK_BIN={} is no file: it must be the path of the executable s2mock",
                path.display()
            )));
        }
        return Ok(Program { path, arguments: &[] });
    }
    let look = |name: &str| {
        let folders = env::split_paths(path.unwrap_or_default());
        folders.map(|folder| folder.join(name)).find(|file| is_executable(file))
    };
    if let Some(path) = look("s2mock") {
        return Ok(Program { path, arguments: &[] });
    }
    let python = ["python3", "python"].into_iter().filter_map(look).find(|path| has_s2mock(path));
    if let Some(path) = python {
        return Ok(Program { path, arguments: &["-m", "s2mock"] });
    }
    Err(Error::Start(
        "there is no s2mock: set S2MOCK_BIN to the path of an executable that `make binary` has built, \
         put it on the PATH as s2mock, install s2mock into the Python on the PATH, or set S2MOCK_URL to \
         the address of a running s2mock"
            .to_owned(),
    ))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn has_s2mock(python: &Path) -> bool {
    let code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('s2mock') is None)";
    let mut command = Command::new(python);
    command.args(["-c", code]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A server that this process has started. It ends with this value, and with this process.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    pub(crate) url: String,
    child: Mutex<Child>,
}

impl ServerProcess {
    /// Start the server, on a free port of this machine. The error has what it printed.
    pub(crate) async fn start(options: &[String]) -> Result<Self> {
        let program =
            find_program(env::var_os("S2MOCK_BIN").as_deref(), env::var_os("PATH").as_deref())?;
        let shown = program.show();
        let failed = move |why: String| Error::Start(format!("{shown} did not start: {why}"));
        let mut command = Command::new(&program.path);
        command.args(program.arguments).args(options).args(["--port", "0", "--with-parent"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let (sender, receiver) = oneshot::channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let mut stderr = stderr;
            // What it prints later is read, so that it never waits for a reader.
            if let Some(stderr) = &mut stderr {
                let _ = stderr.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).trim_end().to_owned()
        });
        thread::spawn(move || {
            let mut sender = Some(sender);
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
                let Ok(line) = line else { break };
                if let Some(url) = line.strip_prefix(ADDRESS)
                    && let Some(sender) = sender.take()
                {
                    let _ = sender.send(url.to_owned());
                }
            }
        });
        match tokio::time::timeout(START, receiver).await {
            Ok(Ok(url)) => Ok(Self { url, child: Mutex::new(child) }),
            Ok(Err(_)) => {
                // It has closed its output, so it ends.
                let status =
                    child.wait().map_or_else(|error| error.to_string(), |it| it.to_string());
                let text = errors.join().unwrap_or_default();
                Err(failed(format!("it ended with {status}\n{text}").trim_end().to_owned()))
            }
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                let text = errors.join().unwrap_or_default();
                Err(failed(format!("it was not ready after {} s\n{text}", START.as_secs())))
            }
        }
    }

    /// Stop the server, and wait until it has ended. Stopping twice is harmless.
    pub(crate) fn stop(&self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_file_is_refused() {
        let error = find_program(Some(OsStr::new("/no/such/s2mock")), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "S2MOCK_BIN=/no/such/s2mock is no file: it must be the path of the executable s2mock"
        );
    }

    #[test]
    fn without_a_program_the_error_says_what_there_can_be() {
        let error = find_program(None, Some(OsStr::new("/no/such/folder"))).unwrap_err();
        for name in ["S2MOCK_BIN", "PATH", "Python", "S2MOCK_URL"] {
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
