//! A running `plenum` for one test: started on free ports, stopped and cleaned up at the end.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longest that a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Longest that an ordered end may take.
const END: Duration = Duration::from_secs(20);

/// A folder that is removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("plenum-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The binary without any setting of the surroundings.
pub(crate) fn plenum() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plenum"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PLENUM_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end: whether it succeeded, standard output, standard error.
pub(crate) fn run(arguments: &[&str]) -> (bool, String, String) {
    let output = plenum().args(arguments).stdin(Stdio::null()).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A port below the range that the kernel gives to outgoing connections, free for TCP and UDP, and the next one too.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 400) as u16 * 25;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(4, Ordering::Relaxed)) % 10_000;
        if (port..port + 4)
            .all(|port| TcpListener::bind(("0.0.0.0", port)).is_ok() && UdpSocket::bind(("0.0.0.0", port)).is_ok())
        {
            return port;
        }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) udp: u16,
    pub(crate) folder: PathBuf,
    output: Arc<Mutex<String>>,
}

impl Server {
    /// Starts everything on free ports, bound to loopback, and waits until it is ready.
    pub(crate) async fn start(folder: &Folder) -> Self {
        Self::start_with(folder, &["--bind", "127.0.0.1"]).await
    }

    /// The same with other arguments after ports and folder.
    pub(crate) async fn start_with(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_at(folder, free_port(), arguments).await
    }

    /// The same from a port that is free.
    pub(crate) async fn start_at(folder: &Folder, port: u16, arguments: &[&str]) -> Self {
        let (http, https, udp) = (port, port + 1, port + 2);
        let mut command = plenum();
        command
            .args(["--http-port", &http.to_string(), "--https-port", &https.to_string()])
            .args(["--udp-port", &udp.to_string(), "--workers", "2", "--data-dir"])
            .arg(folder.0.join("data"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().expect("piped"), &output);
        collect(child.stderr.take().expect("piped"), &output);
        let mut server = Self { child, http, https, udp, folder: folder.0.join("data"), output };
        server.wait_until_ready().await;
        server
    }

    async fn wait_until_ready(&mut self) {
        let end = Instant::now() + START;
        loop {
            if let Ok(answer) = reqwest::get(self.url("/readyz")).await
                && answer.status().is_success()
            {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("our own child") {
                panic!("the server ended with {status}:\n{}", self.output());
            }
            assert!(Instant::now() < end, "the server is not ready:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    /// What it has printed so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().expect("nobody panics with it").clone()
    }

    /// Waits until it has printed `text`.
    pub(crate) async fn wait_for_output(&self, text: &str) {
        let end = Instant::now() + END;
        while !self.output().contains(text) {
            assert!(Instant::now() < end, "{text:?} was not printed:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
        line.split_whitespace().next().expect("a number").parse::<u64>().expect("a number") * 1_024
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it runs");
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Sends SIGTERM and waits for the end; the status and how long it took.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal(Signal::TERM);
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return (status, started.elapsed());
            }
            assert!(started.elapsed() < END, "the server does not end:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- output of the server ---\n{}", self.output());
        }
    }
}

/// Copies what the server prints; a full pipe would stop it.
fn collect(stream: impl std::io::Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream.take(16 << 20)).lines().map_while(Result::ok) {
            let mut output = output.lock().expect("nobody panics with it");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
