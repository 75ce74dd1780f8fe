//! Whom a process connects to.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::function::Function;
use super::world::World;

/// A port that counts who comes, and sends everybody away.
pub(crate) struct Recorder {
    port: u16,
    visitors: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let visitors = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let count = Arc::clone(&visitors);
        task.spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            port,
            visitors,
            _task: task,
        }
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn visitors(&mut self) -> usize {
        self.visitors.load(Ordering::Relaxed)
    }
}

/// Hosts with their ports.
#[derive(Debug, PartialEq)]
pub(crate) struct Reached(pub(crate) BTreeSet<String>);

impl Reached {
    /// Those that are neither the table nor where the function is invoked from. The table has to be among them.
    #[track_caller]
    pub(crate) fn strangers(&self, world: &World, function: &Function) -> BTreeSet<&str> {
        let endpoint = world.store.endpoint();
        let table = endpoint.strip_prefix("http://").unwrap();
        assert!(
            self.0.contains(table),
            "the table was not reached: {self:?}"
        );
        let known = [Some(table), function.invoked_from()];
        let strangers = self.0.iter().map(String::as_str);
        strangers.filter(|it| !known.contains(&Some(*it))).collect()
    }
}

/// The other ends of a process's TCP connections, as Linux tells them.
pub(crate) fn sockets(process: u32) -> Reached {
    let links = fs::read_dir(format!("/proc/{process}/fd")).expect("only Linux tells");
    let links = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    let inodes: BTreeSet<String> = links
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?;
            Some(link.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut reached = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [_, _, remote, state, .., inode] =
                [words[0], words[1], words[2], words[3], words[9]]
                && inodes.contains(inode)
                && state != LISTENING
            {
                reached.insert(address(remote));
            }
        }
    }
    Reached(reached)
}

const LISTENING: &str = "0A";

/// An address as the kernel writes it: bytes in the machine's order, then the port.
fn address(text: &str) -> String {
    let (host, port) = text.split_once(':').unwrap();
    let port = u16::from_str_radix(port, 16).unwrap();
    match u32::from_str_radix(host, 16) {
        Ok(host) => format!("{}:{port}", Ipv4Addr::from(host.to_ne_bytes())),
        Err(_) => format!("[{host}]:{port}"),
    }
}
